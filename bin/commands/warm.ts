import { once } from 'node:events'
import type { Command } from 'commander'
import type { WarmReceipt } from '../../producers/warm-publisher.ts'
import { PRIORITIES, type Priority } from '../../schemas/warm-request.ts'
import { DONE, type ExitCode, FAILED, INTERRUPTED } from '../exit-code.ts'
import * as opt from '../options/options.ts'
import { duration } from '../terminal/progress-line.ts'
import { pairCounts } from '../terminal/record-text.ts'
import { print, printJson, say, type Terminal } from '../terminal/terminal.ts'

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
    .option('--wait', 'wait for the answer of a node; without it the command ends once the request is sent')
    .option('--timeout-ms <ms>', 'with --wait: how many milliseconds at most (default: 5000)', opt.count)
    .option('--dry-run', 'load nothing; the answer says what would be loaded')
    .option('--reason <text>', 'a note that travels with the request')
    .addOption(opt.configOption())
}

export async function start(terminal: Terminal, pairs: readonly string[], flags: WarmFlags): Promise<ExitCode> {
  const { wait, timeoutMs } = flags
  if (wait === undefined) opt.refuseGiven({ timeoutMs }, '--wait')
  const [{ withKafka }, { createWarmPublisher }, { systemClock }] = await Promise.all([
    import('../kafka.ts'),
    import('../../producers/warm-publisher.ts'),
    import('../../src/clock.ts'),
  ])
  const { receipt, service } = await withKafka(terminal, flags, async (broker, { kafka, node: { service } }) => {
    const topics = { warmRequests: kafka.warmRequestsTopic, warmResults: kafka.warmResultsTopic }
    const publisher = await createWarmPublisher({ broker, topics, service, clock: systemClock })
    try {
      const asked = opt.pick(flags, ['chain', 'priority', 'timeoutMs', 'reason', 'wait', 'dryRun'])
      const asking = publisher.request({ pairs, ...asked })
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
      return true
    case 'timeout':
      return false
    case 'answered': {
      const { status } = receipt.result
      return status === 'done' || status === 'partial' || status === 'shadow'
    }
  }
}

function receiptText(receipt: WarmReceipt, service: string): string {
  switch (receipt.status) {
    case 'sent':
      return `sent ${receipt.requestId}`
    case 'timeout': {
      const refusals = receipt.results.map(({ node }) => node).join(', ')
      return `no node has warmed ${receipt.requestId} in time for service ${service}${refusals === '' ? '' : ` (refused by ${refusals})`}`
    }
    case 'answered': {
      const { node, status, durationMs } = receipt.result
      return `${status} by ${node} in ${duration(durationMs)}: ${pairCounts(receipt.result).join(', ') || 'nothing to do'}`
    }
  }
}
