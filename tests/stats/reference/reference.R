# Reference values for tests/stats/test_reference_r.py. Run with
#   Rscript tests/stats/reference/reference.R > tests/stats/reference/reference.json
# R 4.2.2 with boot 1.3-28.1 (Debian: r-base-core, r-cran-boot). No random numbers but boot's own.
library(boot)

numbers <- function(x) paste0("[", paste(sprintf("%.15g", x), collapse = ", "), "]")
p <- c(0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.9)
x <- c(0.11, -0.02, 0.31, 0.07, 0.22, 0.05, -0.14, 0.18, 0.09, 0.26, 0.01, 0.13)

# Two one-sided tests against -+0.2.
tost <- function(x, margin) {
  c(t.test(x, mu = -margin, alternative = "greater")$p.value,
    t.test(x, mu = margin, alternative = "less")$p.value)
}
set.seed(1)
drawn <- boot(x, function(d, i) c(mean(d[i]), var(d[i]) / length(i)), R = 199999)
ends <- boot.ci(drawn, type = c("perc", "bca", "stud"))

cat("{\n")
cat(' "p":', numbers(p), ",\n")
cat(' "holm":', numbers(p.adjust(p, "holm")), ",\n")
cat(' "bh":', numbers(p.adjust(p, "BH")), ",\n")
cat(' "by":', numbers(p.adjust(p, "BY")), ",\n")
cat(' "x":', numbers(x), ",\n")
cat(' "tost":', numbers(tost(x, 0.2)), ",\n")
cat(' "tost_interval":', numbers(t.test(x, conf.level = 0.9)$conf.int), ",\n")
cat(' "t":', numbers(t.test(x)$statistic), ",\n")
cat(' "percentile":', numbers(ends$percent[4:5]), ",\n")
cat(' "bca":', numbers(ends$bca[4:5]), ",\n")
cat(' "studentized":', numbers(ends$student[4:5]), ",\n")
cat(' "isotonic":', numbers(isoreg(x)$yf), ",\n")
cat(' "power_n50_d04":', numbers(power.t.test(n = 50, delta = 0.4, sd = 1, sig.level = 0.05 / 28,
  type = "one.sample", alternative = "one.sided")$power), "\n")
cat("}\n")
