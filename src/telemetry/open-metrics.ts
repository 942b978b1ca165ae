export const PROMETHEUS_TEXT = 'text/plain; version=0.0.4; charset=utf-8'
export const OPEN_METRICS_TEXT = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

/** Whether an Accept header prefers OpenMetrics. Prometheus sends both types, with weights. */
export function prefersOpenMetrics(accept: string | undefined): boolean {
  return weightOf(accept, 'application/openmetrics-text') > weightOf(accept, 'text/plain')
}

function weightOf(accept: string | undefined, type: string): number {
  const weights = (accept ?? '').split(',').flatMap((range) => {
    const [media, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    if (media !== type) return []
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
    return [weight === undefined ? 1 : Number(weight) || 0]
  })
  return Math.max(0, ...weights)
}

/**
 * Turns Prometheus text into OpenMetrics 1.0: a counter's family loses `_total`, quotes in HELP are escaped, and the
 * end is marked. UNIT lines are left out, because a unit would have to end the family's name.
 */
export function toOpenMetrics(prometheusText: string): string {
  const lines = prometheusText.split('\n').filter((line) => line !== '')
  const counters = new Set(lines.flatMap((line) => /^# TYPE (\S+)_total counter$/.exec(line)?.[1] ?? []))
  const converted = lines.flatMap((line) => {
    const [, keyword = '', name = '', rest = ''] = /^# (HELP|TYPE|UNIT) (\S+) ?(.*)$/.exec(line) ?? []
    if (keyword === '') return [line]
    if (keyword === 'UNIT') return []
    const family = counters.has(name.replace(/_total$/, '')) ? name.replace(/_total$/, '') : name
    return [`# ${keyword} ${family} ${keyword === 'HELP' ? rest.replaceAll('"', '\\"') : rest}`]
  })
  return `${[...converted, '# EOF'].join('\n')}\n`
}
