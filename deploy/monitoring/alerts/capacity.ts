import type { Queries } from '../queries.ts'
import type { Alert } from './alert.ts'

const MOST_PAIRS = 8_000
const MEMORY_TODO = [
  'Look at L1 (`L1_SIZE_MB`) and at the tracked pairs. Both have bounds, and are allocated as they fill.',
  'Take a heap snapshot (`node --inspect`) if the heap grows and neither of them does.',
]

/** Memory, pairs and L1 that come near to their limits. */
export function capacityAlerts(q: Queries): readonly Alert[] {
  return [...memory(q), ...tables(q)]
}

function memory(q: Queries): readonly Alert[] {
  // Other processes tell of their memory under the same name.
  const ofNodes = `and on (job, instance) ${q.metric('correlation_pairs_tracked')}`
  const resident = 'process_resident_memory_bytes'
  return [
    {
      ...{ name: 'MemoryGrowthHigh', severity: 'warning', layer: 'background', for: '30m' },
      expression: `(deriv(${resident}[1h]) * 3600 > 100e6) ${ofNodes}`,
      summary: '{{ $labels.instance }} grows by {{ $value | humanize1024 }}B an hour (limit 100 MB)',
      means: 'Resident memory grows. After a start it does until L1 and the tables are full.',
      see: 'The panel "Bytes and capacity", and `nodejs_heap_size_used_bytes`.',
      todo: MEMORY_TODO,
    },
    {
      ...{ name: 'HighMemoryUsage', severity: 'capacity', layer: 'background', for: '10m' },
      expression: `(${resident} / node_memory_MemTotal_bytes > 0.8) ${ofNodes}`,
      summary:
        '{{ $labels.instance }} uses {{ $value | humanizePercentage }} of the memory of its machine (limit 80 %)',
      means: 'The operating system will end the process when memory runs out.',
      see: 'The panel "Bytes and capacity".',
      todo: MEMORY_TODO,
    },
    {
      ...{ name: 'MemoryCeilingNear', severity: 'warning', layer: 'background', for: '10m' },
      expression: `${resident} / on (job, instance) group_left () ${q.metric('memory_ceiling_bytes')} > 0.85`,
      summary: '{{ $labels.instance }} uses {{ $value | humanizePercentage }} of its memory ceiling (85 % is much)',
      means: 'The process comes near to the resident memory that was set for it. Without a ceiling this never fires.',
      see: 'The panel "Bytes and capacity".',
      todo: MEMORY_TODO,
    },
  ]
}

function tables(q: Queries): readonly Alert[] {
  const [size, full] = ['cache_size_bytes', 'cache_capacity_bytes'].map(
    (name) => `sum by (instance) (${q.metric(name)}{cache_level="L1"})`,
  )
  const predicted = `sum by (instance) (predict_linear(${q.metric('cache_size_bytes')}{cache_level="L1"}[1h], 4 * 3600))`
  return [
    {
      ...{ name: 'TooManyPairsTracked', severity: 'warning', layer: 'background', for: '15m' },
      expression: `sum by (instance) (${q.metric('correlation_pairs_tracked')}) > ${MOST_PAIRS}`,
      summary: '{{ $labels.instance }} tracks {{ $value }} pairs (limit 8,000)',
      means: 'More pairs are tracked than was planned for. Beyond MAX_TRACKED_PAIRS old ones make room for new ones.',
      see: 'The panel "Pairs tracked", and `correlation_pairs_recycled_total`.',
      todo: ['Look whether a feed invents names. Raise the limit of the alert if the market is that large.'],
    },
    {
      ...{ name: 'CacheCapacityWarning', severity: 'capacity', layer: 'background', for: '15m' },
      expression: `(${predicted} > 0.8 * ${full}) and (${size} < 0.8 * ${full})`,
      summary: 'L1 of {{ $labels.instance }} will reach 80 % of its capacity within 4 hours',
      means:
        'L1 fills. A full L1 works: it evicts what is least likely to be read. This is the time to plan, not to act.',
      see: 'The panel "Bytes and capacity".',
      todo: ['Raise `L1_SIZE_MB` before it is full if the hit ratio matters and there is memory.'],
    },
  ]
}
