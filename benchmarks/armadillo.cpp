// Armadillo's EM for Gaussian mixtures from a given start, as a function that Python can call. Returns the log-likelihood a
// point of the mixture that entered the last pass.
#include <armadillo>

template <class Model, class Covariances>
static double run(const arma::mat& data, const arma::mat& means, const Covariances& covariances, const arma::rowvec& weights, long passes) {
    Model model;
    model.set_params(means, covariances, weights);
    if (passes > 1) model.learn(data, means.n_cols, arma::maha_dist, arma::keep_existing, 0, passes - 1, 1e-300, false);
    return model.avg_log_p(data);
}

extern "C" double fit(double* X, long n, long d, long K, double* weights, double* means, double* covariances, int diagonal, long passes) {
    const arma::mat data(X, d, n, false, true);  // a point in each column: NumPy's rows
    const arma::mat m(means, d, K);
    const arma::rowvec w(weights, K);
    return diagonal ? run<arma::gmm_diag>(data, m, arma::mat(covariances, d, K), w, passes)
                    : run<arma::gmm_full>(data, m, arma::cube(covariances, d, d, K), w, passes);
}
