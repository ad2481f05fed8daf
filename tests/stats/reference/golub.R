# Reference values for tests/stats/test_reference_golub.py. Run with
#   Rscript tests/stats/reference/golub.R > tests/stats/reference/golub.json
# R 4.2.2 with multtest 2.54.0 (Bioconductor). Data: golub of multtest, 38 patients' expression of
# 3051 genes, Golub et al. (1999), Science 286:531; every thirtieth gene is kept here.
#
# multtest counts the observed labels among the permutations, and as extreme whatever reaches the
# observed statistic less a few eps. mt.maxT is step-down. Its single step is made here of the very
# statistics it permutes: mt.sample.teststat gives one gene's, in the same order for every gene.
suppressMessages(library(multtest))
data(golub)

numbers <- function(x) paste0("[", paste(sprintf("%.15g", x), collapse = ", "), "]")
x <- golub[seq(1, nrow(golub), by = 30), ]
all <- which(golub.cl == 0)
aml <- which(golub.cl == 1)

# mt.maxT prints how far it is, which has no place among the numbers.
step_down <- function(x, labels, test, side, B) {
  capture.output(found <- mt.maxT(x, labels, test = test, side = side, B = B))
  found[order(found$index), "adjp"]
}
single_step <- function(x, labels, test, side, B) {
  size <- if (side == "abs") abs else identity
  largest <- -Inf
  for (gene in seq_len(nrow(x))) {
    capture.output(t <- mt.sample.teststat(x[gene, ], labels, test = test, B = B))
    largest <- pmax(largest, size(as.vector(t)))
  }
  observed <- size(mt.teststat(x, labels, test = test))
  p <- sapply(observed, function(one) mean(largest >= one - 1e-12 * abs(one)))
  # The first gene of the step-down faces all genes, as in a single step.
  first <- which.max(observed)
  stopifnot(abs(p[first] - step_down(x, labels, test, side, B)[first]) < 1e-12)
  p
}

# Pairs that are none but in this test: each AML patient beside one of the first 11 ALL patients.
paired <- x[, as.vector(rbind(all[1:11], aml))]
pairs <- rep(0:1, 11)
# Few enough patients for all 8008 permutations: the first 10 and the first 6.
few <- c(all[1:10], aml[1:6])
B <- 500000

cat("{\n")
cat(' "genes": [\n  ', paste(apply(x, 1, numbers), collapse = ",\n  "), "\n ],\n", sep = "")
cat(' "is_aml":', numbers(golub.cl), ",\n")
cat(' "paired_t":', numbers(mt.teststat(paired, pairs, test = "pairt")), ",\n")
for (side in c("abs", "upper")) {
  for (step in c("single_step", "step_down")) {
    p <- get(step)(paired, pairs, "pairt", side, 0)
    cat(sprintf(' "paired_%s_%s": %s,\n', side, step, numbers(p)))
  }
}
cat(' "welch_t":', numbers(mt.teststat(x, golub.cl, test = "t")), ",\n")
cat(' "welch_permutations":', B, ",\n")
cat(' "welch_single_step":', numbers(single_step(x, golub.cl, "t", "abs", B)), ",\n")
cat(' "few_all": 10, "few_aml": 6, "few_permutations":', choose(16, 6), ",\n")
cat(' "few_welch_single_step":', numbers(single_step(x[, few], golub.cl[few], "t", "abs", 0)), "\n")
cat("}\n")
