export interface Spread {
  median: number;
  min: number;
  max: number;
  /** One for each repeat, in order. */
  samples: number[];
}

/** @throws RangeError for no samples */
export function spread(samples: number[]): Spread {
  return { median: quantile(samples, 0.5), min: quantile(samples, 0), max: quantile(samples, 1), samples };
}

/**
 * The median of the repeats' own ratios. The two samples of one repeat were taken within seconds of each other, so what
 * the machine does otherwise meets both alike: this is far steadier than the ratio of two medians.
 */
export function medianRatio(of: Spread, to: Spread): number {
  return quantile(
    of.samples.map((sample, repeat) => sample / (to.samples[repeat] ?? Number.NaN)),
    0.5,
  );
}

/** The nearest sample at or above this share of them. */
export function quantile(samples: number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new RangeError('no samples');
  return value;
}
