import type { Admin, Broker } from './port.ts'

/** Lends a connected admin to `body`, and closes it whatever happens. */
export async function withAdmin<T>(broker: Broker, body: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = broker.admin()
  try {
    await admin.connect()
    return await body(admin)
  } finally {
    await admin.close()
  }
}
