import { describe, expect, test } from '@jest/globals'
import { alerts } from '../../../deploy/monitoring/alerts/alerts.ts'
import { dashboard } from '../../../deploy/monitoring/dashboard/dashboard.ts'
import { rows } from '../../../deploy/monitoring/dashboard/panels.ts'
import { queries } from '../../../deploy/monitoring/queries.ts'
import { INSTRUMENTS } from '../../../src/telemetry/instruments.ts'
import { prometheusVersion } from '../../harness/prometheus.ts'
import { allAnswered, QUERIES, scrapedNode } from './dashboard-stage.ts'

describe('the dashboard', () => {
  const made = dashboard({ prefix: 'arbitrage_', runbooks: 'docs/runbook' })

  test('has the uid, refresh, range and variables that users know', () => {
    expect(made).toMatchObject({ uid: 'warming-infrastructure', refresh: '5s', time: { from: 'now-1h', to: 'now' } })
    expect(made.templating?.list?.map(({ name }) => name)).toEqual(['DS_PROMETHEUS', 'chain'])
  })

  test('has four rows, and panels that say what they show', () => {
    expect(rows('').map(({ title }) => title)).toEqual(['Overview', 'Cache', 'Warming', 'Errors'])
    for (const { panels } of rows('')) for (const { about } of panels) expect(about).toMatch(/\.$/)
  })

  test('links to pages of the runbook that there are', () => {
    const known = alerts(queries('')).map(({ name }) => name)
    const linked = rows('').flatMap(({ panels }) => panels.flatMap(({ alert }) => alert ?? []))
    expect(linked.filter((name) => !known.includes(name))).toEqual([])
  })

  test('asks for metrics that a node has, and names no bucket', () => {
    const known = new Set(INSTRUMENTS.flatMap(({ name, twin }) => [name, ...(twin ? [twin.name] : [])]))
    const asked = QUERIES.flatMap(([, text]) => [...text.matchAll(/arbitrage_(\w+)/g)].map(([, name = '']) => name))
    expect(asked.filter((name) => !known.has(name.replace(/_bucket$/, '')))).toEqual([])
    for (const [, text] of QUERIES) expect(text).not.toMatch(/\ble\s*[=!]/)
  })

  const version = prometheusVersion()
  if (version === undefined) console.warn('the queries of the dashboard are not tried: there is no Prometheus')
  const onPrometheus = version === undefined ? test.skip : test

  onPrometheus(
    'has data in every panel, from a Prometheus that scrapes a running node',
    () => scrapedNode('prometheus', allAnswered),
    240_000,
  )
})
