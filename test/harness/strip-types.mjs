// Jest loads TypeScript as Node itself does: types are replaced by blanks, so lines and columns stay the same.
import { stripTypeScriptTypes } from 'node:module'

// biome-ignore lint/style/noDefaultExport: Jest looks for one.
export default {
  process: (source) => ({ code: stripTypeScriptTypes(source, { mode: 'strip' }) }),
}
