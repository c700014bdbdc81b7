"""The figures of scipy and scikit-learn for the samples of scipy_test.ts, one answer a case."""

import json
import sys

import numpy
import scipy.stats
from sklearn.metrics import cohen_kappa_score


def clusters(sample):
    """Sum and count of the values of each item, in order of first occurrence."""
    names = list(dict.fromkeys(sample["items"]))
    pairs = list(zip(sample["items"], sample["values"]))
    own = [[value for item, value in pairs if item == name] for name in names]
    return numpy.array([sum(one) for one in own]), numpy.array([len(one) for one in own])


def bootstrap(sample, seed):
    """Clusters are drawn whole: a mean is a ratio of sums, drawn together."""
    found = scipy.stats.bootstrap(
        clusters(sample),
        lambda sums, counts, axis: sums.sum(axis) / counts.sum(axis),
        paired=True,
        method="percentile",
        n_resamples=40_000,
        batch=1000,
        rng=numpy.random.default_rng(seed),
    )
    low, high = found.confidence_interval
    return {"interval": [low, high], "error": float(found.standard_error)}


def permutation(sample):
    """Every sign of every cluster's sum."""
    sums, _ = clusters(sample)
    return scipy.stats.permutation_test(
        (sums,),
        lambda signed: signed.sum(),
        permutation_type="samples",
        n_resamples=numpy.inf,
        vectorized=False,
    ).pvalue


def pairs_needed(case):
    quantile = scipy.stats.norm.ppf
    factor = quantile(1 - case["alpha"] / 2) + quantile(case["power"])
    return int(numpy.ceil((factor * case["deviation"] / case["difference"]) ** 2))


def answer(case):
    values = case["sample"]["values"]
    interval = scipy.stats.t.interval(
        0.95, len(values) - 1, numpy.mean(values), scipy.stats.sem(values)
    )
    return {
        "bootstrap": bootstrap(case["sample"], case["seed"]),
        "permutation": float(permutation(case["few"])),
        "deviation": float(numpy.std(case["few"]["values"], ddof=1)),
        "tInterval": [float(end) for end in interval],
        "pairsNeeded": pairs_needed(case["power"]),
        "kappa": float(cohen_kappa_score(*case["labels"])),
    }


json.dump([answer(case) for case in json.load(sys.stdin)], sys.stdout)
