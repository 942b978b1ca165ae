import type { Command } from 'commander'
import { DONE, type ExitCode, INTERRUPTED } from '../exit-code.ts'
import * as opt from '../options/options.ts'
import type { Terminal } from '../terminal/terminal.ts'
import type { DevFlags } from './dev.ts'

export const examples = ['dev', 'dev --stack local --duration 30']

export function define(command: Command): Command {
  return command
    .description('Compares a node that warms with one that does not on a simulated market, without Kafka or Redis.')
    .option('--stack <name>', 'local: use a real Kafka and Redis (needs JDK 17 and Maven)', opt.oneOf(['local']))
    .option('--duration <seconds>', 'end after this many seconds', opt.positiveNumber)
    .option('--port <port>', 'port of /metrics and the health checks; 0 picks a free one', opt.wholeNumber)
}

export async function start(terminal: Terminal, flags: DevFlags): Promise<ExitCode> {
  const { runDev } = await import('./dev.ts')
  await runDev(terminal, flags)
  return terminal.signal.reason === 'SIGINT' ? INTERRUPTED : DONE
}
