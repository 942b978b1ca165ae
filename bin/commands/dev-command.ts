import type { Command } from 'commander'
import type { RunCommand } from '../command-module.ts'
import { DONE, INTERRUPTED } from '../exit-code.ts'
import * as opt from '../options/options.ts'

interface DevFlags {
  readonly stack?: 'local'
  readonly duration?: number
  readonly port?: number
  readonly json?: boolean
}

export function define(command: Command, run: RunCommand): void {
  command
    .description('Compares a node that warms with one that does not on a simulated market, without Kafka or Redis.')
    .option('--stack <name>', 'local: use a real Kafka and Redis (needs JDK 17 and Maven)', opt.oneOf(['local']))
    .option('--duration <seconds>', 'end after this many seconds', opt.positiveNumber)
    .option('--port <port>', 'port of /metrics and the health checks; 0 picks a free one', opt.wholeNumber)
    .addOption(opt.jsonOption())
    .action((flags: DevFlags) =>
      run(async (terminal) => {
        const { runDev } = await import('./dev.ts')
        const { stack, duration: durationSeconds, port, json } = flags
        await runDev({
          ...(stack !== undefined && { stack }),
          ...(durationSeconds !== undefined && { durationSeconds }),
          ...(port !== undefined && { port }),
          json: json ?? false,
          terminal,
        })
        return terminal.signal.reason === 'SIGINT' ? INTERRUPTED : DONE
      }),
    )
  opt.examples(command, ['dev', 'dev --stack local --duration 30'])
}
