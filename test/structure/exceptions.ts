/** Findings that may stay, by the rule that finds them, without the numbers of lines; and why. */
export const EXCEPTIONS: Readonly<Record<string, readonly (readonly [finding: string, why: string])[]>> = {
  'imports run one way': [
    [
      'bench/stages/command.ts (bench) imports bin/forewarm.ts (bin)',
      'benches run the command as a process of its own',
    ],
  ],
  'every setting is read where it works': [
    ['FOREWARM_PROFILE: nobody reads node.profile', 'what the other defaults come from: the loader reads it'],
    ['SCHEDULES_CALENDAR: nobody reads schedules.calendar', 'the file that the loader reads'],
    ['WARMING_ASYNC: nobody reads warming.async', 'what the default of LOOK_AHEAD comes from: the loader reads it'],
  ],
  'functions have at most 50 lines': [
    [
      'test/cache/l2/conformance.ts: export function l2Conformance(name: string, open: () => Promise<L2Bench>): void { has 141 lines',
      'a suite',
    ],
    [
      'test/cache/l3/conformance.ts: export function l3Conformance(name: string, open: () => Promise<SqlEngine>): void { has 135 lines',
      'a suite',
    ],
    [
      'test/cache/promotion-schedules.ts: export async function run(l1: FirstLevel, script: readonly Step[], stored = memoryL2()): Promise<void> { has 69 lines',
      'an interpreter of schedules, one case a step',
    ],
  ],
  'no test waits for time to pass': [
    ['test/bin/random-backtest.ts waits for time to pass', 'detectors that start timers'],
    ['test/integration/broker/faults.test.ts waits for time to pass', 'a condition that waits between looks'],
    [
      'test/integration/broker/rebalance.test.ts waits for time to pass',
      'handlers that take their time, on a broker that has its own',
    ],
    ['test/node/market.test.ts waits for time to pass', 'a detector that looks later, and updates that come at a pace'],
  ],
}

/** The findings of a rule that no exception of that rule allows, and the exceptions that allow nothing. */
export function judged(
  fact: string,
  findings: readonly string[],
): { readonly violations: string[]; readonly unneeded: string[] } {
  const found = new Map(findings.map((finding) => [finding.replaceAll(/(?<=\.ts):\d+/g, ''), finding]))
  const allowed = new Set(EXCEPTIONS[fact]?.map(([finding]) => finding))
  return {
    violations: [...found].flatMap(([unnumbered, finding]) => (allowed.has(unnumbered) ? [] : [finding])),
    unneeded: [...allowed].filter((finding) => !found.has(finding)),
  }
}
