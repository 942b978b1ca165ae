import { once } from 'node:events'
import type { Command } from 'commander'
import type { WarmReceipt } from '../../../producers/warm-waiter.ts'
import { PRIORITIES, type Priority } from '../../../schemas/warm-request.ts'
import type { NodeResult, Task } from '../../../src/tasks/task.ts'
import { DONE, type ExitCode, FAILED, INTERRUPTED } from '../../exit-code.ts'
import * as opt from '../../options/options.ts'
import { duration } from '../../terminal/progress-line.ts'
import { pairCounts } from '../../terminal/record-text.ts'
import { print, printJson, say, type Terminal } from '../../terminal/terminal.ts'

interface WarmFlags extends opt.CommandFlags {
  readonly chain: string
  readonly priority: Priority
  readonly wait?: boolean
  readonly timeoutMs?: number
  readonly dryRun?: boolean
  readonly reason?: string
}

export const examples = [
  'warm WETH/USDC WBTC/USDC --chain ethereum --wait',
  'warm WETH/USDC --chain ethereum --dry-run --wait --json',
]

export function define(command: Command): Command {
  return command
    .description('Asks the nodes, over Kafka, to load pairs into L1 before a detector reads them.')
    .argument('<pair...>', 'the pairs to warm, all of one chain')
    .requiredOption('--chain <chain>', 'the chain of the pairs')
    .option('--priority <priority>', `how urgent it is: ${PRIORITIES.join(', ')}`, opt.oneOf(PRIORITIES), 'high')
    .option('--wait', 'wait for the answers of all nodes; without it the command ends once the request is sent')
    .option('--timeout-ms <ms>', 'with --wait: how many milliseconds at most (default: 5000)', opt.count)
    .option('--dry-run', 'load nothing; the answer says what would be loaded')
    .option('--reason <text>', 'a note that travels with the request')
    .addOption(opt.configOption())
}

export async function start(terminal: Terminal, pairs: readonly string[], flags: WarmFlags): Promise<ExitCode> {
  const { wait, timeoutMs } = flags
  if (wait === undefined) opt.refuseGiven({ timeoutMs }, '--wait')
  const [{ withKafka }, { createWarmPublisher }, { systemClock }] = await Promise.all([
    import('../../kafka.ts'),
    import('../../../producers/warm-publisher.ts'),
    import('../../../src/clock.ts'),
  ])
  const { receipt, service } = await withKafka(terminal, flags, async (broker, { kafka, node: { service } }) => {
    const topics = { warmRequests: kafka.warmRequestsTopic, warmResults: kafka.warmResultsTopic }
    const publisher = await createWarmPublisher({ broker, topics, service, clock: systemClock })
    try {
      const asked = opt.pick(flags, ['chain', 'priority', 'timeoutMs', 'reason', 'wait', 'dryRun'])
      const asking = publisher.request({ pairs, ...asked, ...(wait === true && { waitFor: 'all' as const }) })
      return { receipt: await Promise.race([asking, interruptionOf(terminal)]), service }
    } finally {
      await publisher.close()
    }
  })
  if (receipt === 'interrupted') return INTERRUPTED
  if (flags.json === true) printJson(terminal, receipt)
  else if (receipt.status === 'timeout') say(terminal, receiptText(receipt, service))
  else print(terminal, receiptText(receipt, service))
  return isGood(receipt) ? DONE : FAILED
}

async function interruptionOf({ signal }: Terminal): Promise<'interrupted'> {
  if (!signal.aborted) await once(signal, 'abort')
  return 'interrupted'
}

function isGood(receipt: WarmReceipt): boolean {
  switch (receipt.status) {
    case 'sent':
    case 'answered':
      return true
    case 'timeout':
      return false
    case 'over':
      return receipt.task.state === 'done' || receipt.task.state === 'partial'
  }
}

function receiptText(receipt: WarmReceipt, service: string): string {
  switch (receipt.status) {
    case 'sent':
    case 'answered':
      return `sent ${receipt.requestId}`
    case 'timeout':
      return `no node has warmed ${receipt.requestId} in time for service ${service}`
    case 'over':
      return taskText(receipt.task)
  }
}

/** The state of the task, and a line for each node, in the words of its status over HTTP. */
function taskText({ taskId, state, reason, nodes }: Task): string {
  return [`task ${taskId}: ${state}${reason === undefined ? '' : `, ${reason}`}`, ...nodes.map(nodeText)].join('\n')
}

function nodeText(result: NodeResult): string {
  const { node, status, reason, durationMs, wouldWarm } = result
  if (status === 'refused') return `refused by ${node}${reason === undefined ? '' : `: ${reason}`}`
  const counts = pairCounts(result).join(', ') || (wouldWarm > 0 ? `would warm ${wouldWarm}` : 'nothing to do')
  return `${status} by ${node} in ${duration(durationMs)}: ${counts}`
}
