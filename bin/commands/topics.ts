import type { Command } from 'commander'
import type { RunCommand } from '../command-module.ts'
import { DONE, type ExitCode } from '../exit-code.ts'
import * as opt from '../options/options.ts'
import { print, printJson, type Terminal } from '../terminal/terminal.ts'

interface TopicsFlags {
  readonly partitions?: number
  readonly json?: boolean
  readonly config?: string
}

export function define(command: Command, run: RunCommand): void {
  const create = command
    .command('create')
    .summary('make what is missing')
    .description(
      "Makes the price topics that are named (or that PRICE_TOPICS names) and Forewarm's own topics, where they are missing.",
    )
    .exitOverride()
    .argument('[price-topic...]', 'price topics to make, beside those that are there')
    .option('--partitions <n>', 'of price topics that have to be made', opt.count)
    .addOption(opt.jsonOption())
    .addOption(opt.configOption())
    .action((names: readonly string[], flags: TopicsFlags) => run((terminal) => start(terminal, names, flags)))
  opt.examples(create, ['topics create', 'topics create prices.ethereum prices.polygon --partitions 12'])
}

async function start(terminal: Terminal, names: readonly string[], flags: TopicsFlags): Promise<ExitCode> {
  const [{ withKafka }, { createTopics }] = await Promise.all([import('../kafka.ts'), import('../create-topics.ts')])
  const report = await withKafka(terminal, flags, (broker, config) =>
    createTopics(broker, config, { names, ...(flags.partitions !== undefined && { partitions: flags.partitions }) }),
  )
  if (flags.json === true) printJson(terminal, report)
  else {
    for (const topic of report.created) print(terminal, `made ${topic}`)
    for (const topic of report.existing) print(terminal, `there already: ${topic}`)
  }
  return DONE
}
