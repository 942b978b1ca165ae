import { totalmem } from 'node:os'
import type { Metrics } from './slab.ts'

/** The process's own figures, under the names that other exporters gave them. */
export function observeProcessMemory(metrics: Metrics): void {
  metrics.observe('process_resident_memory_bytes', {}, () => process.memoryUsage.rss())
  metrics.observe('nodejs_heap_size_used_bytes', {}, () => process.memoryUsage().heapUsed)
  metrics.observe('node_memory_MemTotal_bytes', {}, totalmem)
}
