/** A straight line through samples, with the error of its slope. */

export interface Sample {
  readonly seconds: number;
  readonly value: number;
}

export interface Trend {
  /** By the hour. */
  readonly slope: number;
  /** Half of the slope's 95 % confidence interval. */
  readonly error: number;
  readonly first: number;
  readonly last: number;
  readonly most: number;
}

/** Neighbouring samples are alike, so the line is fitted to the means of so many stretches, whose errors hardly are. */
const stretches = 20;
/** Student's t for 95 %, by degrees of freedom; from 30 on nearly the normal distribution's. */
const student = [
  12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.1, 2.09, 2.09,
];

/** The trend of samples that lie in order. Its error is infinite where there are too few. */
export function trendOf(samples: readonly Sample[]): Trend {
  const values = samples.map(({ value }) => value);
  const [first = 0, last = 0] = [values[0], values.at(-1)];
  const most = values.reduce((a, b) => Math.max(a, b), 0);
  const points = meansOf(samples, Math.min(stretches, Math.floor(samples.length / 2)));
  if (points.length < 3) return { slope: 0, error: Number.POSITIVE_INFINITY, first, last, most };
  const mean = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0) / numbers.length;
  const [x, y] = [mean(points.map(({ seconds }) => seconds)), mean(points.map(({ value }) => value))];
  const width = points.reduce((sum, { seconds }) => sum + (seconds - x) ** 2, 0);
  const slope = points.reduce((sum, { seconds, value }) => sum + (seconds - x) * (value - y), 0) / width;
  const rest = points.reduce((sum, { seconds, value }) => sum + (value - y - slope * (seconds - x)) ** 2, 0);
  const free = points.length - 2;
  const error = (student[free - 1] ?? 2.04) * Math.sqrt(rest / free / width);
  return { slope: slope * 3600, error: error * 3600, first, last, most };
}

function meansOf(samples: readonly Sample[], count: number): Sample[] {
  return Array.from({ length: count }, (_, i) => {
    const part = samples.slice(
      Math.floor((i * samples.length) / count),
      Math.floor(((i + 1) * samples.length) / count),
    );
    const sum = part.reduce((a, b) => ({ seconds: a.seconds + b.seconds, value: a.value + b.value }));
    return { seconds: sum.seconds / part.length, value: sum.value / part.length };
  });
}
