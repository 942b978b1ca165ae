/** How a row of the table of instruments is written. */

export interface Instrument {
  readonly name: string
  readonly kind: 'counter' | 'gauge' | 'histogram'
  /** As OpenTelemetry writes units (UCUM); empty if the name ends with a unit that Prometheus's linter rejects. */
  readonly unit: '' | 's' | 'By' | '1'
  readonly labels: readonly string[]
  readonly help: string
  /** The upper bounds of the exposed buckets, in the instrument's unit. */
  readonly bounds?: readonly number[]
  /** The same buckets once more in seconds: a value divided by `divideBy`. */
  readonly twin?: { readonly name: string; readonly divideBy: number }
  /** The name was fixed by other tools: it gets no prefix and no chain. */
  readonly bare?: true
}

export type Row = readonly [name: string, labels: readonly string[], help: string]

export function counters(...rows: readonly Row[]): readonly Instrument[] {
  return rows.map(([name, labels, help]) => ({ name, kind: 'counter', unit: '1', labels, help }))
}

export function gauges(unit: Instrument['unit'], ...rows: readonly Row[]): readonly Instrument[] {
  return rows.map(([name, labels, help]) => ({ name, kind: 'gauge', unit, labels, help }))
}

export function seconds(bounds: readonly number[], ...rows: readonly Row[]): readonly Instrument[] {
  return rows.map(([name, labels, help]) => ({ name, kind: 'histogram', unit: 's', labels, help, bounds }))
}
