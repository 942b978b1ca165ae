import type { Command } from 'commander'
import { DONE, type ExitCode } from '../../exit-code.ts'
import * as opt from '../../options/options.ts'
import { print, printJson, type Terminal } from '../../terminal/terminal.ts'

interface TopicsFlags extends opt.CommandFlags {
  readonly partitions?: number
}

export const examples = ['topics create', 'topics create prices.ethereum prices.polygon --partitions 12']

export function define(command: Command): Command {
  return command
    .description('Creates the topics that Forewarm needs.')
    .command('create')
    .summary('create the missing topics')
    .description(
      'Creates the topics that are missing: the named price topics (default: those of PRICE_TOPICS), their dead-letter topics, and the topics of warm requests, warm results, correlations and control records.',
    )
    .argument('[price-topic...]', 'price topics to create')
    .option('--partitions <n>', 'partitions of the price topics that it creates', opt.count)
    .addOption(opt.configOption())
}

export async function start(terminal: Terminal, names: readonly string[], flags: TopicsFlags): Promise<ExitCode> {
  const [{ withKafka }, { createTopics }] = await Promise.all([
    import('../../kafka.ts'),
    import('../../create-topics.ts'),
  ])
  const report = await withKafka(terminal, flags, (broker, config) =>
    createTopics(broker, config, { names, ...opt.pick(flags, ['partitions']) }),
  )
  if (flags.json === true) printJson(terminal, report)
  else {
    for (const topic of report.created) print(terminal, `created ${topic}`)
    for (const topic of report.existing) print(terminal, `exists already: ${topic}`)
  }
  return DONE
}
