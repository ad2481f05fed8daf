# Reference values for tests/stats/test_reference_boot.py. Run with
#   Rscript tests/stats/reference/boot.R > tests/stats/reference/boot.json
# R 4.2.2 with boot 1.3-28.1. Data: aircondit and city of boot, which are examples 1.1 and 1.2 of
# Davison & Hinkley (1997), Bootstrap Methods and their Application.
library(boot)

numbers <- function(x) paste0("[", paste(sprintf("%.15g", x), collapse = ", "), "]")
hours <- aircondit$hours
pairs <- as.matrix(city)
blocks <- 10
R <- 99999

mean_and_variance <- function(d, i) c(mean(d[i]), var(d[i]) / length(i))
ratio <- function(d, i) sum(d[i, "x"]) / sum(d[i, "u"])
# Hedges' g of the differences.
size <- function(d, i) {
  difference <- d[i, "x"] - d[i, "u"]
  m <- length(i) - 1
  exp(lgamma(m / 2) - lgamma((m - 1) / 2)) / sqrt(m / 2) * mean(difference) / sd(difference)
}

# The level at which BCa, whose tails are normal, has Student's tails at level .95 in the units of
# a bootstrap's spread, which is short by (n - 1) / n: what stats.smooth_functions documents.
student_level <- function(n) 2 * pnorm(qt(0.975, n - 1) * sqrt(n / (n - 1))) - 1

# boot takes the jackknife's influence about the estimate, Efron (1987) and we about its own mean.
# Without it boot would fit them to the resamples, so that they would differ from run to run.
influence <- function(d, statistic) {
  l <- empinf(data = d, statistic = statistic, stype = "i", type = "jack")
  l - mean(l)
}
acceleration <- function(l) sum(l^3) / (6 * sum(l^2)^1.5)

# Ends of one block of resamples: percentile, studentized (of means) and BCa at `level`.
ends_of <- function(d, statistic, level, studentized) {
  drawn <- boot(d, statistic, R = R)
  l <- influence(d, function(...) statistic(...)[1])
  bca <- boot.ci(drawn, conf = level, type = "bca", L = l)$bca[4:5]
  if (!studentized) return(bca)
  found <- boot.ci(drawn, type = c("perc", "stud"))
  c(found$percent[4:5], found$student[4:5], bca)
}
# Mean over blocks, and the standard deviation of one block: the Monte-Carlo error of R resamples.
repeated <- function(d, statistic, level, studentized = FALSE) {
  ends <- replicate(blocks, ends_of(d, statistic, level, studentized))
  rbind(rowMeans(ends), apply(ends, 1, sd))
}
put <- function(name, table) {
  cat(sprintf(' "%s": %s, "%s_sd": %s,\n', name, numbers(table[1, ]), name, numbers(table[2, ])))
}

# Without chance: which shares of the resamples BCa takes as ends, were .45 of them below the
# estimate. boot.ci rounds ranks to two digits, so that many resamples make them exact to 1e-8.
shares <- function(d, statistic, level) {
  many <- 999999
  few <- boot(d, statistic, R = 9)
  few$R <- many
  t <- (seq_len(many) - 0.5) / many
  l <- influence(d, function(...) statistic(...)[1])
  boot.ci(few, conf = level, type = "bca", t0 = 0.45, t = t, L = l)$bca[2:3] / (many + 1)
}

set.seed(1)
air <- repeated(hours, mean_and_variance, 0.95, studentized = TRUE)
cat("{\n")
cat(' "hours":', numbers(hours), ",\n")
cat(' "u":', numbers(city$u), ",\n")
cat(' "x":', numbers(city$x), ",\n")
cat(' "resamples_per_block":', R, ', "blocks":', blocks, ",\n")
put("hours_percentile", air[, 1:2])
put("hours_studentized", air[, 3:4])
put("hours_bca", air[, 5:6])
cat(' "ratio":', numbers(ratio(pairs, 1:10)), ",\n")
put("ratio_bca", repeated(pairs, ratio, student_level(10)))
cat(' "size":', numbers(size(pairs, 1:10)), ",\n")
put("size_bca", repeated(pairs, size, student_level(10)))
cat(' "hours_acceleration":', numbers(acceleration(influence(hours, function(d, i) mean(d[i])))),
  ",\n")
cat(' "ratio_acceleration":', numbers(acceleration(influence(pairs, ratio))), ",\n")
cat(' "hours_shares":', numbers(shares(hours, mean_and_variance, 0.95)), ",\n")
cat(' "hours_student_shares":', numbers(shares(hours, mean_and_variance, student_level(12))), ",\n")
cat(' "ratio_student_shares":', numbers(shares(pairs, ratio, student_level(10))), "\n")
cat("}\n")
