/** Added to performance.now(), it gives milliseconds on a clock that all processes of the machine share. */
export const SYSTEM_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now()
