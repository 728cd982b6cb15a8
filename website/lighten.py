"""What no page uses, taken out of what every page loads: icons of the icon font, rules of the style sheets.

Quarto brings two thousand icons and all of Bootstrap, which is most of the weight of a page. `finish.py` calls `lighten`
after a render of the whole site. A rule stays where every class that it needs is a word of some page or script, or could
be put together by a script from the beginning of a word; an icon stays where its name is one, or the rest of its name a
word of a script. A second run changes nothing."""
import re

import tinycss2
from fontTools import subset
from fontTools.ttLib import TTFont

ICON = re.compile(r'^\.(bi-[\w-]+)::before \{ content: "\\([0-9a-f]+)"; \}\n', re.M)


def words(texts):
    "The words of pages and scripts: a class that is none of them is on no element"
    return {word for text in texts for word in re.findall(r"[\w-]+", text)}


def beginnings(known):
    "Words that end in a hyphen: scripts put something behind them"
    return tuple(word for word in known if re.fullmatch(r"[a-z][\w-]*-", word))


def needed(selector):
    "The classes without which a selector of tokens matches nothing; those inside :is() and :not() are not counted"
    pairs = zip(selector, selector[1:])
    return {name.value for dot, name in pairs if dot.type == "literal" and dot.value == "." and name.type == "ident"}


def selectors(prelude):
    "The tokens of a rule's head, one list for each of its selectors"
    parts = [[]]
    for token in prelude:
        if token.type == "literal" and token.value == ",": parts.append([])
        else: parts[-1].append(token)
    return parts


def light_rules(rules, is_used):
    "The text of rules without those that match nothing"
    found = []
    for rule in rules:
        if rule.type == "qualified-rule":
            heads = [tinycss2.serialize(one).strip() for one in selectors(rule.prelude) if all(map(is_used, needed(one)))]
            if heads: found.append(f"{','.join(heads)}{{{tinycss2.serialize(rule.content)}}}")
        elif rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports", "container"):
            inner = light_rules(tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True), is_used)
            if inner: found.append(f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{inner}}}")
        elif rule.type == "error": raise ValueError(f"a style sheet cannot be read: {rule.message}")
        else: found.append(rule.serialize())
    return "".join(found)


def light_css(css, known):
    "A style sheet without the rules for classes that are no word of `known`"
    begin = beginnings(known)
    rules = tinycss2.parse_stylesheet(css, skip_comments=False, skip_whitespace=True)
    return light_rules(rules, lambda name: name in known or name.startswith(begin))


def light_icons(css, known, said):
    """The style sheet of the icons with those that are used, and their characters. `said` are the words of scripts, which
    may put `bi-` before them."""
    kept = {name: int(code, 16) for name, code in ICON.findall(css) if name in known or name.removeprefix("bi-") in said}
    return ICON.sub(lambda match: match[0] if match[1] in kept else "", css), set(kept.values())


def light_font(path, characters):
    "A font file with the glyphs of these characters alone"
    with TTFont(path, recalcBBoxes=False) as font:  # the height of a line depends on it
        if set(font.getBestCmap()) <= characters: return
        cutter = subset.Subsetter(subset.Options(layout_features=[]))
        cutter.populate(unicodes=characters)
        cutter.subset(font)
        font.save(path)


def lighten(docs, pages):
    "The folder of a rendered site, in place; `pages` are the texts of all its pages"
    libraries = docs / "site_libs"
    said = words(path.read_text(encoding="utf-8") for pattern in ("*.js", "site_libs/**/*.js") for path in docs.glob(pattern))
    known = said | words(pages)
    for path in libraries.glob("bootstrap/bootstrap-*.min.css"): path.write_text(light_css(path.read_text(encoding="utf-8"), known), encoding="utf-8")
    icons = libraries / "bootstrap" / "bootstrap-icons.css"
    text, characters = light_icons(icons.read_text(encoding="utf-8"), known, said)
    icons.write_text(text, encoding="utf-8")
    light_font(icons.with_suffix(".woff"), characters)
