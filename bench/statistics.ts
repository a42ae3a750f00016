export interface Spread {
  median: number;
  min: number;
  max: number;
  /** One sample for each repeat, in order. */
  samples: number[];
}

/** @throws RangeError when there are no samples */
export function spread(samples: number[]): Spread {
  return { median: quantile(samples, 0.5), min: quantile(samples, 0), max: quantile(samples, 1), samples };
}

/**
 * The median of the repeats' own ratios. The two samples of one repeat were taken within seconds of each other, so
 * other work of the machine affects both alike. This median is far steadier than the ratio of two medians.
 */
export function medianRatio(of: Spread, to: Spread): number {
  return quantile(
    of.samples.map((sample, repeat) => sample / (to.samples[repeat] ?? Number.NaN)),
    0.5,
  );
}

/** The nearest sample at or above this share of the samples. */
export function quantile(samples: number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new RangeError('no samples');
  return value;
}

/** Welch's t of two samples: how sure a difference of their means is. Beyond 3 or so there is a difference. */
export function welchT(one: number[], other: number[]): number {
  const [a, b] = [meanAndVariance(one), meanAndVariance(other)];
  return (a.mean - b.mean) / Math.sqrt(a.variance / one.length + b.variance / other.length);
}

function meanAndVariance(samples: number[]): { mean: number; variance: number } {
  const mean = samples.reduce((sum, sample) => sum + sample, 0) / samples.length;
  const variance = samples.reduce((sum, sample) => sum + (sample - mean) ** 2, 0) / (samples.length - 1);
  return { mean, variance };
}

/**
 * How often a sample of `one` is larger than a sample of `other`; ties count half (the area under a ROC curve). 0.5:
 * the two can never be told apart; 1 or 0: they always can.
 */
export function auc(one: number[], other: number[]): number {
  const all = [...one.map((value) => ({ value, own: 1 })), ...other.map((value) => ({ value, own: 0 }))];
  all.sort((a, b) => a.value - b.value);
  let ranks = 0;
  for (let at = 0; at < all.length; ) {
    let end = at;
    while (all[end]?.value === all[at]?.value) end += 1;
    const own = all.slice(at, end).reduce((sum, sample) => sum + sample.own, 0);
    ranks += own * ((at + 1 + end) / 2);
    at = end;
  }
  return (ranks - (one.length * (one.length + 1)) / 2) / (one.length * other.length);
}
