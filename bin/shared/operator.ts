import { hostname, userInfo } from 'node:os'

/** Who asks, as records of the control topic say it. */
export function operator(): string {
  return `${userName()}@${hostname()}`
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run under an id without a name.
    return 'somebody'
  }
}
