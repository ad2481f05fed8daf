# Reference values for tests/stats/test_random_effects.py. Run with
#   Rscript tests/stats/reference/metafor.R > tests/stats/reference/metafor.json
# R 4.2.2 with metafor 3.8-1. Data: dat.bcg of metafor (Colditz et al. 1994, JAMA 271:698), and the
# nine laboratories of Kacker (2004), Metrologia 41:132, which statsmodels has in its tests.
suppressMessages(library(metafor))

numbers <- function(x) paste0("[", paste(sprintf("%.15g", x), collapse = ", "), "]")
bcg <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
kacker <- list(
  yi = c(61.0, 61.4, 62.21, 62.3, 62.34, 62.6, 62.7, 62.84, 65.9),
  vi = c(0.2025, 1.21, 0.09, 0.2025, 0.3844, 0.5625, 0.0676, 0.0225, 1.8225)
)

put <- function(yi, vi) {
  yi <- as.vector(yi)
  vi <- as.vector(vi)
  # Both roots are far from exact by default.
  found <- rma(yi, vi, method = "PM", test = "knha", control = list(tol = 1e-13))
  k <- found$k
  profile <- confint(found, control = list(tol = 1e-13))$random["tau^2", ]
  # metafor's prediction interval has k - 1 degrees of freedom, ours k - 2: theirs is made by hand
  # with k - 1 first, to show that this is the only difference.
  around <- function(df) found$beta[1] + c(-1, 1) * qt(0.975, df) * sqrt(found$tau2 + found$se^2)
  theirs <- predict(found)
  stopifnot(all.equal(around(k - 1), c(theirs$pi.lb, theirs$pi.ub), tolerance = 1e-12))
  without <- leave1out(found)
  values <- list(
    yi = yi, vi = vi, tau2 = found$tau2, tau2_interval = profile[c("ci.lb", "ci.ub")],
    estimate = found$beta, se = found$se, interval = c(found$ci.lb, found$ci.ub), p = found$pval,
    q = found$QE, q_p = found$QEp, i2 = found$I2 / 100, weights = weights(found) / 100,
    predicted = around(k - 2), without_estimate = without$estimate, without_se = without$se,
    without_low = without$ci.lb, without_high = without$ci.ub, without_tau2 = without$tau2,
    without_q = without$Q, without_i2 = without$I2 / 100
  )
  lines <- sprintf('  "%s": %s', names(values), sapply(values, numbers))
  cat(paste(lines, collapse = ",\n"))
}

cat('{\n "bcg": {\n')
put(bcg$yi, bcg$vi)
cat('\n },\n "kacker": {\n')
put(kacker$yi, kacker$vi)
cat("\n }\n}\n")
