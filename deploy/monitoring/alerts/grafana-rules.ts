import { type Alert, KEEP_FIRING } from './alert.ts'
import { bySeverity, wordsOf } from './prometheus-rules.ts'

/** Rules look back over the longest window of an expression, three days. */
const LOOKS_BACK_SECONDS = 259_200

/**
 * The same rules as Grafana's file provisioning has them. A rule's expression has a result only while it is true, so the condition
 * asks whether there is one.
 */
export function grafanaRules(
  all: readonly Alert[],
  { runbooks, dataSource }: { readonly runbooks: string; readonly dataSource: string },
) {
  const groups = bySeverity(all).map(({ severity, of }) => ({
    orgId: 1,
    name: `warming ${severity}`,
    folder: 'Warming',
    interval: '1m',
    rules: of.map((alert) => ({
      uid: `warming-${alert.name.toLowerCase()}`.slice(0, 40),
      title: alert.name,
      condition: 'C',
      data: [
        {
          refId: 'A',
          relativeTimeRange: { from: LOOKS_BACK_SECONDS, to: 0 },
          datasourceUid: dataSource,
          model: { refId: 'A', expr: alert.expression, instant: true, range: false },
        },
        {
          refId: 'C',
          relativeTimeRange: { from: 0, to: 0 },
          datasourceUid: '__expr__',
          model: {
            refId: 'C',
            type: 'math',
            expression: 'is_number($A)',
            datasource: { type: '__expr__', uid: '__expr__' },
          },
        },
      ],
      for: alert.for,
      keepFiringFor: KEEP_FIRING[severity],
      noDataState: 'OK',
      execErrState: 'Error',
      ...inGrafana(wordsOf(alert, runbooks)),
    })),
  }))
  return { apiVersion: 1, groups }
}

/** The value of a rule is a text there; that of its query is a number. */
function inGrafana<Words extends ReturnType<typeof wordsOf>>(words: Words) {
  const { summary } = words.annotations
  return { ...words, annotations: { ...words.annotations, summary: summary.replaceAll('$value', '$values.A.Value') } }
}
