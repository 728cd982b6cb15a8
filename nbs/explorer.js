/* The EM explorer. A page holds <div class="em-explorer">, with data-set (a name in SETS), data-k and data-structure, and this
   file builds the rest. The first half is arithmetic in pure functions; tests/test_explorer.py runs it in node beside the
   textbook algorithms of chapters 4 and 5. The second half draws and listens. */
"use strict";
(() => {

// ---- arithmetic: X is an array of points, each an array of one or two numbers; resp[k][i] as in the chapters

const sum = values => values.reduce((a, b) => a + b, 0);
const zeros = (n, m) => Array.from({ length: n }, () => new Array(m).fill(0));
const range = n => Array.from({ length: n }, (_, i) => i);

/** A mixture without a maximum: a component that lost its points or shrank onto too few. */
class Collapse extends Error {}

/** Lower triangular L with L Lᵀ = S. A Collapse if S is not positive definite. */
function cholesky(S, k) {
  const L = zeros(S.length, S.length);
  for (let i = 0; i < S.length; i++) {
    for (let j = 0; j <= i; j++) {
      const rest = S[i][j] - sum(range(j).map(m => L[i][m] * L[j][m]));
      if (i === j && !(rest > 0)) throw new Collapse(
        `Component ${k} has shrunk onto too few points: its covariance is singular, and the likelihood has no maximum. ` +
        "Go back, drag its mean away, or choose a simpler structure.");
      L[i][j] = i === j ? Math.sqrt(rest) : rest / L[j][j];
    }
  }
  return L;
}

/** log φ_k N(x_i; μ_k, Σ_k) as rows, Eq. (eq-v-density). */
function logJoint(X, { weights, means, covariances }) {
  return means.map((mean, k) => {
    const L = cholesky(covariances[k], k), d = mean.length;
    const constant = Math.log(weights[k]) - 0.5 * d * Math.log(2 * Math.PI) - sum(L.map((row, j) => Math.log(row[j])));
    return X.map(x => {
      const z = [];                                              // L z = x − μ
      for (let i = 0; i < d; i++) z[i] = (x[i] - mean[i] - sum(z.map((value, j) => L[i][j] * value))) / L[i][i];
      return constant - 0.5 * sum(z.map(value => value * value));
    });
  });
}

/** E-step: responsibilities, Eq. (eq-v-resp), and the log-likelihood of this mixture. */
function eStep(X, mixture) {
  const joint = logJoint(X, mixture), resp = zeros(joint.length, X.length);
  let logLikelihood = 0;
  X.forEach((_, i) => {
    const top = Math.max(...joint.map(row => row[i]));
    const total = top + Math.log(sum(joint.map(row => Math.exp(row[i] - top))));
    joint.forEach((row, k) => { resp[k][i] = Math.exp(row[i] - total); });
    logLikelihood += total;
  });
  return { resp, logLikelihood };
}

/** Covariances S (K, d, d) in a structure, Eqs. (eq-c-full) to (eq-c-spherical). */
const STRUCTURES = {
  full: S => S,
  tied: (S, weights) => {
    const all = S[0].map((row, a) => row.map((_, b) => sum(S.map((one, k) => weights[k] * one[a][b]))));
    return S.map(() => all);
  },
  diag: S => S.map(one => one.map((row, a) => row.map((value, b) => (a === b ? value : 0)))),
  spherical: S => S.map(one => {
    const variance = sum(one.map((row, a) => row[a])) / one.length;
    return one.map((row, a) => row.map((_, b) => (a === b ? variance : 0)));
  }),
};

/** M-step: weights, means and covariances about the new means, Eqs. (eq-v-weight), (eq-v-mean), (eq-v-cov). */
function mStep(X, resp, structure = "full") {
  const counts = resp.map(sum);                                  // M_k
  const lost = counts.findIndex(count => !(count > 0));
  if (lost >= 0) throw new Collapse(
    `Component ${lost} is responsible for no point (M_k = 0), so its mean would be 0/0. ` +
    "Drag its mean nearer to the points, or use fewer components.");
  const weights = counts.map(count => count / X.length), axes = range(X[0].length);
  const means = resp.map((r, k) => axes.map(a => sum(X.map((x, i) => r[i] * x[a])) / counts[k]));
  const full = resp.map((r, k) => axes.map(a => axes.map(b =>
    sum(X.map((x, i) => r[i] * (x[a] - means[k][a]) * (x[b] - means[k][b]))) / counts[k])));
  return { weights, means, covariances: STRUCTURES[structure](full, weights) };
}

const squaredDistance = (x, y) => sum(x.map((value, a) => (value - y[a]) ** 2));

/** k-means, first half: the number of the nearest centre for each point, the first of equals. */
function assign(X, centres) {
  return X.map(x => {
    const distances = centres.map(centre => squaredDistance(x, centre));
    return distances.indexOf(Math.min(...distances));
  });
}

/** k-means, second half: the mean of each centre's points. A centre without points stays. */
function average(X, labels, centres) {
  return centres.map((centre, k) => {
    const own = X.filter((_, i) => labels[i] === k);
    return own.length ? centre.map((_, a) => sum(own.map(x => x[a])) / own.length) : centre;
  });
}

/** A start: means, equal weights, one round covariance for all, with the variance given or the data's over K. */
function startAt(X, means, given) {
  const K = means.length, d = means[0].length;
  const centre = range(d).map(a => sum(X.map(x => x[a])) / X.length);
  const variance = given || sum(X.map(x => squaredDistance(x, centre))) / (X.length * d * K) || 1;
  const round = range(d).map(a => range(d).map(b => (a === b ? variance : 0)));
  return { weights: means.map(() => 1 / K), means, covariances: means.map(() => round) };
}

// ---- a run, as immutable states: `step` makes the next one

const number = (value, digits = 2) => (Object.is(value, -0) ? 0 : value).toFixed(digits).replace("-", "−");
const place = x => (x.length > 1 ? `(${x.map(value => number(value, 1)).join(", ")})` : number(x[0], 1));
const ENOUGH = 1e-6;   // a run is over when a pass gains less a point, and no mean moves by this part of the data's spread

/** The state before the first E-step, and after every edit: a run begins here. */
function begin(X, structure, mixture, { colored = false, words = "" } = {}) {
  const { resp, logLikelihood } = eStep(X, mixture);
  const value = `The log-likelihood is ${number(logLikelihood)}.`;
  return { X, structure, mixture, resp: colored ? resp : null, next: "E", trace: [logLikelihood], end: null,
    words: `${words || "Every component is a guess, and no point is shared yet."} ${value}`,
    kmeans: { centres: mixture.means, labels: null, rounds: 0, settled: false } };
}

/** The next half pass. k-means keeps step: it assigns in the E-step and averages in the M-step. */
function step(state) {
  if (state.end) return state;
  try { return state.next === "E" ? expectation(state) : maximization(state); }
  catch (error) {
    if (!(error instanceof Collapse)) throw error;
    return { ...state, end: "collapsed", words: `${state.next}-step ${state.trace.length} has no result. ${error.message}` };
  }
}

function expectation(state) {
  const { X, mixture, trace, kmeans } = state, { resp } = eStep(X, mixture);
  const shared = X.filter((_, i) => Math.max(...resp.map(row => row[i])) < 0.9).length;
  const words = `E-step ${trace.length}: each component takes its share of each point, by weight times density. ` +
    (shared ? `${shared} of ${X.length} points belong by less than 90 % to any one component.` : "Every point belongs by 90 % or more to one component.");
  const labels = kmeans.settled ? kmeans.labels : assign(X, kmeans.centres);
  return { ...state, resp, next: "M", words, kmeans: { ...kmeans, labels } };
}

function maximization(state) {
  const { X, structure, resp, trace } = state, mixture = mStep(X, resp, structure);
  const { logLikelihood } = eStep(X, mixture), gain = logLikelihood - trace[trace.length - 1];
  const still = mixture.means.every((mean, k) => squaredDistance(mean, state.mixture.means[k]) < (ENOUGH * spread(X)) ** 2);
  const over = still && Math.abs(gain) < ENOUGH * X.length, narrow = narrowest(X, mixture);
  const change = over ? "rests" : `${gain < 0 ? "fell" : "rose"} by ${Math.abs(gain) < 1e-4 ? "less than 0.0001" : number(Math.abs(gain), gain < 0.1 ? 4 : 2)}`;
  const words = `M-step ${trace.length}: each component takes the weight and the mean of its shares, and ${TAKES[structure]}. ` +
    `The log-likelihood ${change}${over ? " at" : ", to"} ${number(logLikelihood)}.` +
    (narrow < 0 ? "" : ` Component ${narrow} shrinks onto a few points: there the likelihood grows without bound.`);
  return { ...state, mixture, next: "E", words, trace: [...trace, logLikelihood], end: over ? "converged" : null, kmeans: averaged(state) };
}

const TAKES = { full: "their covariance", tied: "the covariance pooled over all", diag: "their variances along the axes", spherical: "their mean variance" };

function averaged({ X, kmeans }) {
  if (kmeans.settled) return kmeans;
  const centres = average(X, kmeans.labels, kmeans.centres);
  const settled = centres.every((centre, k) => squaredDistance(centre, kmeans.centres[k]) === 0);
  return { ...kmeans, centres, settled, rounds: kmeans.rounds + !settled };
}

/** The standard deviation of the data, the same in every direction. */
const spread = X => Math.sqrt(startAt(X, [X[0]]).covariances[0][0][0]);

/** The component whose narrowest variance is below a millionth of the data's, or −1. */
function narrowest(X, { covariances }) {
  return covariances.findIndex(S => {
    const [a, b, c] = S.length > 1 ? [S[0][0], S[0][1], S[1][1]] : [S[0][0], 0, S[0][0]];
    return (a + c) / 2 - Math.hypot((a - c) / 2, b) < 1e-6 * spread(X) ** 2;
  });
}

/** The run after an edit of the points: the same mixture, and k-means from its means. */
function edited(state, X, words) {
  return begin(X, state.structure, state.mixture, { colored: state.resp !== null, words });
}

function withMean(state, k, mean) {
  const means = state.mixture.means.map((old, j) => (j === k ? mean : old));
  return begin(state.X, state.structure, { ...state.mixture, means },
    { colored: state.resp !== null, words: `Mean ${k} is at ${place(mean)}, and a new run begins.` });
}

/** Points in the wrong group, under the best naming of K groups. */
function mistakes(truth, labels, K) {
  const table = zeros(K, K);
  truth.forEach((t, i) => { table[t][labels[i]] += 1; });
  const best = (row, left) => (row === K ? 0 : Math.max(...left.map(k => table[row][k] + best(row + 1, left.filter(j => j !== k)))));
  return truth.length - best(0, range(K));
}

const mostProbable = resp => resp[0].map((_, i) => {
  const shares = resp.map(row => row[i]);
  return shares.indexOf(Math.max(...shares));
});

// ---- data: a point lies in the box from 0 to 12 and from 0 to 9, or on a line

/** Uniform numbers from 0 to 1, the same for the same seed (mulberry32). */
function uniforms(seed) {
  return () => {
    seed = (seed + 0x6D2B79F5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** n points about (x, y) with two standard deviations along axes turned by an angle in degrees. */
function cloud(random, n, x, y, along, across, angle) {
  const turn = angle * Math.PI / 180, c = Math.cos(turn), s = Math.sin(turn);
  const inside = (value, most) => Math.min(Math.max(value, 0.15), most - 0.15);
  return range(n).map(() => {
    const radius = Math.sqrt(-2 * Math.log(1 - random())), phase = 2 * Math.PI * random();
    const u = along * radius * Math.cos(phase), v = across * radius * Math.sin(phase);
    return [inside(x + u * c - v * s, 12), inside(y + u * s + v * c, 9)];
  });
}

const joined = (...clouds) => ({ X: clouds.flat(), truth: clouds.flatMap((points, k) => points.map(() => k)) });

// Old Faithful, 272 times three digits to the base 36: duration in hundredths of a minute over 160, times 54, plus waiting
// time in minutes over 43
const FAITHFUL = "8d00ub78d2ujc8o5cccy98d61gqbho0yt9p5auz0mmcy42dr0n1dd5009b2i0u80mm7qh658c8d8d41juacx9ehbtib9ubzg7e5a5j9bd1r914ndhj0yydabbhj16fcen0mxc8c7749b323acnl1ogdcwd1b0ytdhj0jtdp48us0b3cegbd22myc450mndd30xhbpdaqhcxz1z4cxua5l1jvc40a0s1ljehf1rhceh9ix8d4akebelafr4b4abcdwr9tfc712dna172ihbet14pdfz0z2b9tctn8ze14qds33ojbkr236c44a8k14mcy50r9dkp8p2d2e2xgdsabs00fgcnk307cj60xgbs849aab8b2g1jvcj992k1c2c432sucqt14kaqm50dbes0ylbm3168dwp1ss8wiazk2mzc8ldfybef1lgcnj1r6emh0uaebga0y3cmcj288aa0rc42ade0ua9ws2i2anp1of9bh7xncfx382e791drcme1c620ecfy787aqkbekc3u3f7a16aqd16ccfyb2m92m1sqbthad50ylbs42fcdd20ywdcxag59wgazk7y8bkg2pqcth23hbhlaku14sciz0r3bkg9en1doc4439scy114o9be7llazf3caddf1ocanf14pb5l0mtc0wa0zaj0aczb5h9orcbiacr3fbas72l7bwt16b11tb6y9ti323ane34mdwp5fkcg69bl20ebkl286bhd2ibbwm88cc3uanr9a19osbwm1odb70d8hc8n11xb2m1l02pzd5eaj22albsb0x3bzd";

function faithful() {
  return FAITHFUL.match(/.../g).map(text => parseInt(text, 36)).map(code => [(160 + Math.floor(code / 54)) / 100, 43 + code % 54]);
}

/** Columns with mean zero and standard deviation one, twice as large about the middle of the box. */
function intoBox(X) {
  const centre = [0, 1].map(a => sum(X.map(x => x[a])) / X.length);
  const spread = centre.map((mean, a) => Math.sqrt(sum(X.map(x => (x[a] - mean) ** 2)) / X.length));
  return X.map(x => [6 + 2 * (x[0] - centre[0]) / spread[0], 4.5 + 2 * (x[1] - centre[1]) / spread[1]]);
}

const SETS = {
  clouds: { name: "Two long clouds", means: [[3.4, 5.9], [8.4, 3]],
    make() { const r = uniforms(4); return joined(cloud(r, 70, 5.3, 5.5, 1.8, 0.5, 35), cloud(r, 70, 6.7, 3.5, 1.8, 0.5, 35)); } },
  groups: { name: "Three groups", means: [[4, 5], [5.5, 4.5], [7, 5]],
    make() { const r = uniforms(8); return joined(cloud(r, 45, 3, 3, 0.9, 0.6, -40), cloud(r, 60, 8.4, 3.2, 1.5, 0.45, 25), cloud(r, 45, 5.6, 6.8, 1.3, 0.5, -10)); } },
  inside: { name: "A tight group in a wide one", means: [[4, 4.5], [8, 4.5]],
    make() { const r = uniforms(3); return joined(cloud(r, 80, 6, 4.5, 2.2, 1.7, 0), cloud(r, 50, 7, 5, 0.35, 0.3, 0)); } },
  ring: { name: "A ring", means: [[5, 4], [6, 4], [7, 4], [5, 5], [6, 5], [7, 5]],
    make() { const r = uniforms(5); return { X: range(150).map(i => cloud(r, 1, 6 + 3.2 * Math.cos(i * 2.4), 4.5 + 3.2 * Math.sin(i * 2.4), 0.3, 0.3, 0)[0]) }; } },
  faithful: { name: "Old Faithful, two columns", means: [[4.27, 5.84], [7.78, 2.89]], make: () => ({ X: intoBox(faithful()) }) },
  own: { name: "Your own points", means: [[4, 4.5], [8, 4.5]], make: () => ({ X: [[2.6, 3.8], [3.1, 5.2], [3.9, 4.3], [4.2, 5.6], [7.2, 3.2], [7.9, 4.4], [8.8, 3.9], [9.3, 5.2], [8.2, 5.3]] }) },
  waiting: { name: "Old Faithful, waiting times", means: [[60], [70]], variance: 200, low: 38, high: 102, ticks: [40, 50, 60, 70, 80, 90, 100], unit: "minutes",
    make: () => ({ X: faithful().map(x => [x[1]]) }) },
  six: { name: "The six numbers of chapter 0", means: [[2], [8]], variance: 4, low: -3, high: 13, ticks: [-2, 0, 2, 4, 6, 8, 10, 12], unit: "",
    make: () => ({ X: [1, 2, 3, 5, 7, 9].map(x => [x]) }) },
};

/** K different points, drawn at random. */
function drawn(X, K, random) {
  const left = [...X];
  return range(Math.min(K, X.length)).map(() => left.splice(Math.floor(random() * left.length), 1)[0]);
}

const core = { Collapse, cholesky, logJoint, eStep, mStep, assign, average, startAt, begin, step, edited, withMean, mistakes,
  faithful, STRUCTURES, SETS };
if (typeof module !== "undefined") { module.exports = core; return; }

// ---- the picture

const COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"];   // Okabe & Ito (2008), as in chapter 31
const DASHES = ["", "7 4", "8 3 2 3", "2 3", "10 2 2 2 2 2"];
const RADII = [0.5, 0.95].map(mass => Math.sqrt(-2 * Math.log(1 - mass)));           // of the ellipses, Eq. (eq-p-radius)
const SHAPES = { full: "an ellipse of its own for each component", tied: "one ellipse for all", diag: "ellipses along the axes", spherical: "a circle of its own for each" };
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const channels = COLORS.map(color => [1, 3, 5].map(i => parseInt(color.slice(i, i + 2), 16)));
/** Colors averaged with the shares, Eq. (eq-p-blend). */
const blend = shares => `rgb(${[0, 1, 2].map(c => Math.round(sum(shares.map((share, k) => share * channels[k][c]))))})`;

/** An element with attributes and children; names in SVG begin with "svg:". */
function make(name, attributes = {}, ...children) {
  const [space, tag] = name.startsWith("svg:") ? ["http://www.w3.org/2000/svg", name.slice(4)] : ["http://www.w3.org/1999/xhtml", name];
  const element = document.createElementNS(space, tag);
  set(element, attributes).append(...children);
  return element;
}
function set(element, attributes) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null) element.removeAttribute(key);
    else element.setAttribute(key, value);
  }
  return element;
}

/** As many children as values, made where missing, and drawn. */
function each(parent, values, create, draw) {
  while (parent.children.length > values.length) parent.lastChild.remove();
  values.forEach((value, i) => draw(parent.children[i] || parent.appendChild(create(i)), value, i));
}

/** Where the world lies in a picture of w by h pixels: functions of the world's x and y, and back. */
function lens(set, w, h) {
  if (set.low !== undefined) {
    const scale = w / (set.high - set.low), floor = Math.round(h * 0.6);
    return { flat: true, scale, floor, x: x => (x - set.low) * scale, y: () => floor, back: px => [px / scale + set.low] };
  }
  const scale = Math.min(w / 12, h / 9), left = (w - 12 * scale) / 2, bottom = (h + 9 * scale) / 2;
  return { flat: false, scale, x: x => left + x * scale, y: y => bottom - y * scale, back: (px, py) => [(px - left) / scale, (bottom - py) / scale] };
}

/** Pixels (x, y) of the points. On a line, equal numbers hang below each other. */
function pixels(X, view, size, h) {
  if (!view.flat) return X.map(x => [view.x(x[0]), view.y(x[1])]);
  const seen = new Map(), depths = X.map(x => {
    const column = Math.round(view.x(x[0]) / (2 * size));
    seen.set(column, (seen.get(column) || 0) + 1);
    return seen.get(column);
  });
  const gap = Math.min(2.1 * size, (h - view.floor - 26) / Math.max(...depths, 1));
  return X.map((x, i) => [view.x(x[0]), view.floor + 12 + depths[i] * gap]);
}

/** The part of a polygon that is nearer to a than to b. */
function nearer(polygon, a, b) {
  const side = p => (p[0] - (a[0] + b[0]) / 2) * (b[0] - a[0]) + (p[1] - (a[1] + b[1]) / 2) * (b[1] - a[1]);
  return polygon.flatMap((p, i) => {
    const q = polygon[(i + 1) % polygon.length], s = side(p), t = side(q);
    const cut = p.map((value, c) => value + (q[c] - value) * s / (s - t));
    return [...(s <= 0 ? [p] : []), ...(s * t < 0 ? [cut] : [])];
  });
}

/** Heights of the weighted densities over the pixels of a line, and their sum, as rows. */
function curves(mixture, view, w) {
  const ticks = range(Math.ceil(w / 2) + 1).map(i => view.back(2 * i));
  const rows = logJoint(ticks, mixture).map(row => row.map(Math.exp));
  return [...rows, ticks.map((_, i) => sum(rows.map(row => row[i])))];
}

const pixel = p => p.map(value => value.toFixed(1)).join(" ");
const mixed = (a, b, t) => (Array.isArray(a) ? a.map((value, i) => mixed(value, b[i], t)) : a + (b - a) * t);

let count = 0;   // of the explorers on this page

class Explorer {
  constructor(home) {
    this.id = `emx${count++}`;
    this.structure = home.dataset.structure || "full";
    this.random = uniforms(1);
    this.build(home);
    this.choose(home.dataset.set || "clouds", Number(home.dataset.k));
    new ResizeObserver(() => this.draw()).observe(this.stage);
  }

  // -- building

  button(words, action, label) {
    const button = make("button", { type: "button", ...(label ? { "aria-label": label } : {}) }, words);
    button.addEventListener("click", () => { if (button !== this.runner) this.pause(); action(); });
    return button;
  }

  build(home) {
    const options = flat => Object.keys(SETS).filter(key => ("low" in SETS[key]) === flat).map(key => make("option", { value: key }, SETS[key].name));
    this.sets = make("select", {}, make("optgroup", { label: "In the plane" }, ...options(false)), make("optgroup", { label: "On a line" }, ...options(true)));
    this.sets.addEventListener("change", () => { this.pause(); this.choose(this.sets.value); });
    this.counter = make("output", {}, "2");
    this.fewer = this.button("−", () => this.recount(-1), "One component fewer");
    this.more = this.button("+", () => this.recount(1), "One component more");
    const radios = Object.keys(STRUCTURES).map(name => {
      const input = make("input", { type: "radio", name: `${this.id}-structure`, value: name });
      input.checked = name === this.structure;
      input.addEventListener("change", () => { this.pause(); this.structure = name; this.restart(`Structure ${name}.`); });
      return make("label", { title: SHAPES[name] }, input, make("span", {}, name));
    });
    this.backward = this.button("◀ Back", () => this.back());
    this.forward = this.button("", () => this.advance());
    this.forward.className = "emx-main";
    this.runner = this.button("Run", () => this.toggle());
    this.words = make("p", { class: "emx-words", role: "status", "aria-live": "polite" });
    const svg = (name, label, ...layers) => make("svg:svg", { class: `emx-${name}`, role: "group", "aria-label": label }, ...layers);
    const layers = names => names.map(name => make("svg:g", { class: `emx-${name}` }));
    const glow = COLORS.map((color, k) => make("svg:radialGradient", { id: `${this.id}-glow${k}` },
      make("svg:stop", { offset: 0, "stop-color": color, "stop-opacity": 0.34 }), make("svg:stop", { offset: 1, "stop-color": color, "stop-opacity": 0.04 })));
    this.stage = svg("stage", "Points and components", make("svg:defs", {}, ...glow), ...layers(["axis", "glows", "points", "lines", "means"]));
    this.stage.setAttribute("aria-describedby", `${this.id}-help`);
    this.rival = svg("rival", "k-means on the same points", ...layers(["cells", "points", "means"]));
    this.chart = svg("chart", "Log-likelihood after each pass", make("svg:path"), ...layers(["dots", "ticks"]));
    [this.rival, this.chart].forEach(picture => picture.setAttribute("role", "img"));
    this.captions = range(3).map(() => make("figcaption"));
    home.replaceChildren(make("div", { class: "emx", role: "group", "aria-label": "Explorer of Expectation-Maximization" },
      make("div", { class: "emx-bar" }, make("label", {}, make("span", {}, "Data"), this.sets),
        make("div", { class: "emx-count", role: "group", "aria-label": "Number of components" }, make("span", {}, "K"), this.fewer, this.counter, this.more),
        make("fieldset", {}, make("legend", {}, "Covariances"), ...radios)),
      ...["ours", "theirs", "climb"].map((area, i) => make("figure", { class: `emx-${area}` }, this.captions[i], [this.stage, this.rival, this.chart][i])),
      make("div", { class: "emx-controls" }, this.backward, this.forward, this.runner,
        this.button("Start over", () => this.restart()), this.button("Random start", () => this.restartAt(drawn(this.state.X, this.state.mixture.means.length, this.random))),
        this.button("Add a point", () => this.add(this.view.flat ? [(this.set.low + this.set.high) / 2] : [6, 4.5], true))),
      this.words,
      make("p", { class: "emx-help", id: `${this.id}-help` }, "Drag a numbered mean or a point. A click on the plane adds a point, a double click removes one. " +
        "Keys: Tab to a mean or a point, arrows (with Shift: farther), Page Up and Page Down for another point, Delete.")));
    this.listen();
  }

  listen() {
    const at = event => { const box = this.stage.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
    const reach = event => (event.pointerType === "mouse" ? 9 : 20);
    this.stage.addEventListener("pointerdown", event => {
      if (event.button) return;
      this.pressed = at(event);
      this.held = this.hit(...this.pressed, reach(event));
      if (!this.held) return;
      event.preventDefault();
      this.pause();
      this.focus(this.held);
      this.stage.setPointerCapture(event.pointerId);
      this.moved = false;
    });
    this.stage.addEventListener("pointermove", event => {
      const [x, y] = at(event);
      if (!this.held) { this.stage.classList.toggle("emx-over", Boolean(this.hit(x, y, reach(event)))); return; }
      if (!this.moved && Math.hypot(x - this.pressed[0], y - this.pressed[1]) < 3) return;
      if (!this.moved) this.past.push(this.state);
      this.moved = true;
      this.move(this.held, this.view.back(x, y));
    });
    this.stage.addEventListener("pointerup", event => {
      const [x, y] = at(event), still = this.pressed && Math.hypot(x - this.pressed[0], y - this.pressed[1]) < 6;
      const { held, tapped } = this;
      this.release();
      if (!still) return;
      this.tapped = { i: held?.kind === "point" ? held.i : -1, time: event.timeStamp };
      if (!held) this.add(this.view.back(x, y), false);
      else if (tapped?.i === this.tapped.i && this.tapped.i >= 0 && event.timeStamp - tapped.time < 400) this.remove(held.i);
    });
    this.stage.addEventListener("pointercancel", () => this.release());
    // a finger on a point drags it, and elsewhere scrolls the page
    this.stage.addEventListener("touchstart", event => { if (this.hit(...at(event.touches[0]), 20)) event.preventDefault(); }, { passive: false });
    this.stage.addEventListener("keydown", event => this.key(event));
    this.stage.parentNode.addEventListener("focusin", event => { if (event.target.point !== undefined) this.roving = event.target.point; });
  }

  release() {
    this.held = this.pressed = null;
    this.say();
  }

  /** What lies within so many pixels of a place: a mean before a point, the nearest of its kind. */
  hit(x, y, reach) {
    const nearest = (places, most) => places.map(([a, b], i) => [Math.hypot(a - x, b - y), i]).filter(([r]) => r < most).sort((a, b) => a[0] - b[0])[0];
    const mean = nearest(this.handles, Math.max(reach, 14)), point = nearest(this.places, reach);
    return mean ? { kind: "mean", i: mean[1] } : point ? { kind: "point", i: point[1] } : null;
  }

  layer(name, svg = this.stage) { return svg.querySelector(`.emx-${name}`); }

  focus({ kind, i }) { this.layer(`${kind}s`).children[i]?.focus({ preventScroll: true }); }

  key(event) {
    const { point, mean } = event.target, X = this.state.X, big = event.shiftKey ? 5 : 1;
    const unit = big * (this.view.flat ? (this.set.high - this.set.low) / 100 : 0.1);
    const move = { ArrowLeft: [-unit, 0], ArrowRight: [unit, 0], ArrowUp: [0, unit], ArrowDown: [0, -unit] }[event.key];
    const turn = { PageDown: 1, PageUp: -1 }[event.key];
    const what = mean === undefined ? { kind: "point", i: point } : { kind: "mean", i: mean };
    if (what.i === undefined) return;
    if (move) {
      const old = mean === undefined ? X[point] : this.state.mixture.means[mean];
      this.edit(() => this.move(what, old.map((value, a) => value + move[a])));
    } else if (turn && point !== undefined) {
      this.roving = (point + turn + X.length) % X.length;
      this.draw();
      this.focus({ kind: "point", i: this.roving });
    } else if ((event.key === "Delete" || event.key === "Backspace") && point !== undefined) this.remove(point);
    else return;
    event.preventDefault();
  }

  // -- what a reader can do

  choose(name, K) {
    this.set = SETS[name];
    const { X, truth } = this.set.make();
    this.sets.value = name;
    this.truth = truth ? new Map(X.map((x, i) => [x, truth[i]])) : null;
    this.means = this.set.means;
    this.past = [];
    this.roving = 0;
    this.state = { X };
    if (K && K !== this.means.length) this.means = drawn(X, K, this.random);
    this.restart();
  }

  restart(words = "") { this.restartAt(this.means, words); }

  restartAt(means, words = "") {
    if (this.state.mixture) this.past.push(this.state);
    this.means = means;
    this.show(begin(this.state.X, this.structure, startAt(this.state.X, means, this.set.variance), { words: words && `${words} No point is shared yet.` }));
  }

  recount(change) {
    const K = this.state.mixture.means.length + change;
    const means = K > this.means.length ? [...this.means, ...drawn(this.state.X, 1, this.random)] : this.means.slice(0, K);
    this.restartAt(means, `${K} component${K > 1 ? "s" : ""}.`);
  }

  advance() {
    this.past.push(this.state);
    this.show(step(this.state));
  }

  back() {
    if (!this.past.length) return;
    const state = this.past.pop();
    this.structure = state.structure;
    this.means = state.trace.length === 1 ? state.mixture.means : this.means;
    this.show(state);
  }

  toggle() {
    if (this.timer) { this.pause(); this.say(); return; }
    if (this.state.end) this.restart();
    if (calm.matches) {                                          // no film: the last state of the run
      this.past.push(this.state);
      let state = this.state;
      for (let i = 0; i < 1000 && !state.end; i++) state = step(state);
      this.show(state);
      return;
    }
    const tick = () => {
      this.advance();
      if (this.state.end || this.state.trace.length > 500) { this.pause(); this.say(); return; }
      this.timer = setTimeout(tick, Math.max(70, 540 * 0.86 ** (this.state.trace.length - 1)));
    };
    this.timer = setTimeout(tick, 80);
    this.draw();
  }

  pause() {
    clearTimeout(this.timer);
    this.timer = null;
    this.draw();
  }

  edit(action) {
    this.pause();
    this.past.push(this.state);
    action();
  }

  move({ kind, i }, to) {
    const { width, height } = this.stage.getBoundingClientRect(), low = this.view.back(0, height), high = this.view.back(width, 0);
    const x = low.map((least, a) => Math.min(Math.max(to[a], least), high[a]));
    if (kind === "mean") {
      const first = this.state.trace.length === 1;
      this.show(withMean(this.state, i, x), 0);
      if (first) this.means = this.state.mixture.means;
    } else {
      this.rename(this.state.X[i], x);
      this.show(edited(this.state, this.state.X.map((old, j) => (j === i ? x : old)), `Point ${i} is at ${place(x)}.`), 0);
    }
  }

  /** A point that moves keeps its true group. */
  rename(old, x) { if (this.truth?.has(old)) this.truth.set(x, this.truth.get(old)); }

  add(x, focus) {
    this.edit(() => {
      const X = [...this.state.X, x];
      this.show(edited(this.state, X, `A point is added at ${place(x)}; now there are ${X.length}.`));
      this.roving = X.length - 1;
      this.draw();
      if (focus) this.focus({ kind: "point", i: this.roving });
    });
  }

  remove(i) {
    if (this.state.X.length < 2) return;
    this.edit(() => {
      const X = this.state.X.filter((_, j) => j !== i);
      this.roving = Math.min(i, X.length - 1);
      this.show(edited(this.state, X, `Point ${i} is removed; ${X.length} are left.`));
      if (this.stage.contains(document.activeElement)) this.focus({ kind: "point", i: this.roving });
    });
  }

  // -- drawing

  /** The next state, with a film of the mixture in between. */
  show(state, duration = 240) {
    const before = this.state.mixture;
    this.state = state;
    cancelAnimationFrame(this.film);
    this.say();
    const shape = mixture => `${mixture?.means.length} ${mixture?.means[0].length}`;
    if (before === state.mixture || !duration || calm.matches || shape(before) !== shape(state.mixture)) { this.shown = null; this.draw(); return; }
    const begun = performance.now();
    const frame = now => {
      const t = Math.min(Math.max((now - begun) / duration, 0), 1), eased = t * (2 - t);
      this.shown = t < 1 ? Object.fromEntries(Object.entries(state.mixture).map(([key, value]) => [key, mixed(before[key], value, eased)])) : null;
      this.draw(t > 0 && t < 1);
      if (t < 1) this.film = requestAnimationFrame(frame);
    };
    this.shown = before;
    this.draw();
    this.film = requestAnimationFrame(frame);
  }

  /** The words of the state. In a run or a drag they change too fast to be read out. */
  say() {
    this.words.setAttribute("aria-live", this.held || (this.timer && !this.state.end) ? "off" : "polite");
    this.words.textContent = this.state.words;
  }

  draw(film = false) {
    const { width: w, height: h } = this.stage.getBoundingClientRect();
    if (!w || !this.state.mixture) return;
    const mixture = this.shown || this.state.mixture;
    this.view = lens(this.set, w, h);
    this.size = this.view.flat ? Math.min(5, 0.45 * this.view.scale) : w < 420 ? 3.6 : 4.6;
    this.drawMixture(mixture, w, h);
    if (film) return;
    this.drawPoints(this.stage, this.places = pixels(this.state.X, this.view, this.size, h), this.size, i => this.color(i), true);
    this.drawRival();
    this.drawChart();
    this.drawControls();
  }

  color(i) { return this.state.resp ? blend(this.state.resp.map(row => row[i])) : "var(--emx-grey)"; }

  drawPoints(svg, places, size, color, live) {
    each(this.layer("points", svg), places, () => make("svg:circle"), (circle, [x, y], i) => {
      set(circle, { cx: x.toFixed(1), cy: y.toFixed(1), r: size });
      circle.style.fill = color(i);
      if (!live) return;
      circle.point = i;
      const shares = this.state.resp?.map((row, k) => `${Math.round(100 * row[i])} % component ${k}`);
      set(circle, { tabindex: i === this.roving ? 0 : -1, role: "button", "aria-roledescription": "movable point",
        "aria-label": `Point ${i} of ${places.length}, at ${place(this.state.X[i])}: ${shares ? shares.join(", ") : "not shared yet"}` });
    });
  }

  drawMixture(mixture, w, h) {
    const { means, covariances, weights } = mixture, { view } = this, factors = covariances.map(S => { try { return cholesky(S); } catch { return zeros(2, 2); } });
    const flat = view.flat, line = flat ? curves(mixture, view, w) : [];
    const top = flat ? Math.max(...line[means.length], 1e-9) : 1, height = flat ? (view.floor - 24) / top : 1;
    const path = row => "M" + row.map((value, i) => `${2 * i} ${(view.floor - height * value).toFixed(1)}`).join("L");
    const map = (k, r) => { const L = factors[k], s = view.scale * r; return `matrix(${s * L[0][0]} ${-s * L[1][0]} 0 ${-s * L[1][1]} ${view.x(means[k][0])} ${view.y(means[k][1])})`; };
    const circle = "M1 0A1 1 0 0 1-1 0A1 1 0 0 1 1 0Z";
    each(this.layer("glows"), means, () => make("svg:path"), (node, _, k) => set(node, flat
      ? { d: `${path(line[k])}L${w} ${view.floor}L0 ${view.floor}Z`, transform: null, fill: COLORS[k], "fill-opacity": 0.16 }
      : { d: circle, transform: map(k, RADII[1]), fill: `url(#${this.id}-glow${k})`, "fill-opacity": 1 }));
    const strokes = flat ? [...line.keys()].map(k => [k, path(line[k]), null]) : means.flatMap((_, k) => RADII.map(r => [k, circle, map(k, r)]));
    each(this.layer("lines"), strokes, () => make("svg:path", { "vector-effect": "non-scaling-stroke" }), (node, [k, d, transform], i) => set(node,
      { d, transform, stroke: k < means.length ? COLORS[k] : "var(--emx-ink)", "stroke-dasharray": k < means.length ? DASHES[k % DASHES.length] : "",
        "stroke-width": flat ? (k < means.length ? 2 : 1.4) : i % 2 ? 1.2 : 2.4 }));
    this.handles = means.map((mean, k) => [view.x(mean[0]), view.y(mean[1])]);
    each(this.layer("means"), means, k => make("svg:g", { tabindex: 0, role: "button", "aria-roledescription": "movable mean" },
      make("svg:circle", { r: 10.5, stroke: COLORS[k] }), make("svg:text", { dy: "0.35em" }, String(k))), (group, mean, k) => {
      group.mean = k;
      set(group, { transform: `translate(${pixel(this.handles[k])})`,
        "aria-label": `Mean of component ${k}, at ${place(mean)}, weight ${number(weights[k])}` });
    });
    this.drawAxis(w, h);
  }

  drawAxis(w, h) {
    const { unit, ticks } = this.set;
    each(this.layer("axis"), this.view.flat ? [null, unit, ...ticks] : [], i => make(i ? "svg:text" : "svg:path"), (node, value, i) => {
      if (!i) set(node, { d: `M0 ${this.view.floor}H${w}` });
      else if (i === 1) { set(node, { x: w - 6, y: h - 22, "text-anchor": "end" }); node.textContent = unit; }
      else { set(node, { x: this.view.x(value), y: h - 5, "text-anchor": "middle" }); node.textContent = number(value, 0); }
    });
  }

  drawRival() {
    const { width: w, height: h } = this.rival.getBoundingClientRect(), { centres, labels, settled, rounds } = this.state.kmeans;
    const view = lens(this.set, w, h), size = view.flat ? Math.min(3, 0.45 * view.scale) : this.size * 0.6;
    const places = pixels(this.state.X, view, size, h);
    const dots = centres.map(centre => [view.x(centre[0]), view.flat ? view.floor : view.y(centre[1])]);
    const cells = labels ? dots.map((a, k) => dots.reduce((polygon, b, j) => (j === k ? polygon : nearer(polygon, a, b)), [[0, 0], [w, 0], [w, h], [0, h]])) : [];
    each(this.layer("cells", this.rival), cells, k => make("svg:polygon", { fill: COLORS[k] }), (node, polygon) => set(node, { points: polygon.map(pixel).join(",") }));
    this.drawPoints(this.rival, places, size, i => (labels ? COLORS[labels[i]] : "var(--emx-grey)"), false);
    each(this.layer("means", this.rival), dots, () => make("svg:path", { d: "M-5-5L5 5M-5 5L5-5" }), (node, p) => set(node, { transform: `translate(${pixel(p)})` }));
    this.captions[1].textContent = `k-means${labels ? this.wrong(labels, centres.length) : ""}${settled ? ", settled" : labels ? `, round ${rounds + 1}` : " on the same points"}`;
  }

  wrong(labels, K) {
    const truth = this.state.X.map(x => this.truth?.get(x));
    if (truth.includes(undefined) || new Set(truth).size !== K) return "";
    return `: ${mistakes(truth, labels, K)} wrong of ${truth.length}`;
  }

  drawChart() {
    const { width: w, height: h } = this.chart.getBoundingClientRect(), { trace } = this.state;
    const high = Math.max(...trace), least = Math.min(...trace), low = trace.length < 3 ? least : Math.max(least, high - Math.max(2.5 * (high - trace[1]), 0.2 * (high - least)));
    const x = i => 10 + (w - 20) * i / Math.max(trace.length - 1, 10), y = value => h - 22 - (h - 32) * (value - low) / (high - low || 1);
    const places = trace.map((value, i) => [x(i), y(value)]);
    set(this.chart.querySelector("path"), { d: "M" + places.map(pixel).join("L") });
    each(this.layer("dots", this.chart), trace.length < 60 ? places : places.slice(-1), () => make("svg:circle"), (node, p, i) => set(node, { cx: p[0], cy: p[1], r: i === Math.min(trace.length, 60) - 1 ? 4 : 2 }));
    each(this.layer("ticks", this.chart), [0, Math.max(trace.length - 1, 10)], () => make("svg:text"), (node, tick, i) => {
      set(node, { x: x(tick), y: h - 5, "text-anchor": i ? "end" : "start" });
      node.textContent = i ? `pass ${tick}` : "start";
    });
    const last = number(trace[trace.length - 1]);
    this.captions[2].textContent = `log-likelihood ${last}`;
    this.chart.setAttribute("aria-label", `Log-likelihood: ${number(trace[0])} at the start, ${last} after pass ${trace.length - 1}`);
  }

  drawControls() {
    const { state } = this, K = state.mixture.means.length, name = state.next === "E" ? "E-step" : "M-step";
    this.counter.textContent = K;
    this.fewer.disabled = K < 2;
    this.more.disabled = K >= COLORS.length || K >= state.X.length;
    this.stage.closest(".emx").querySelectorAll("input").forEach(input => { input.checked = input.value === this.structure; });
    this.backward.disabled = !this.past.length;
    this.forward.disabled = Boolean(state.end);
    this.forward.textContent = `${name} ▶`;
    this.forward.dataset.next = state.next;
    this.runner.textContent = this.timer ? "Pause" : state.end ? "Run again" : "Run";
    const labels = state.resp && mostProbable(state.resp);
    this.captions[0].textContent = `EM${labels ? this.wrong(labels, K) : ""}, pass ${state.trace.length - 1}`;
  }
}

const mount = () => document.querySelectorAll(".em-explorer").forEach(home => { if (!home.querySelector(".emx")) new Explorer(home); });
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", mount); else mount();
})();
