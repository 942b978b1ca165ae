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
    .description(
      'Runs a simulated market through two nodes in this process, one that warms and one that does not, and shows their hit ratios side by side until Ctrl-C. It needs neither Kafka nor Redis.',
    )
    .option(
      '--stack <name>',
      'local: start and use a real Kafka and Redis on this machine (needs JDK 17 and Maven)',
      opt.oneOf(['local']),
    )
    .option('--duration <seconds>', 'end after so many seconds', opt.positiveNumber)
    .option(
      '--port <port>',
      'port of /metrics and the health checks; 0 picks a free one (default: METRICS_PORT)',
      opt.wholeNumber,
    )
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
