// Jest loads TypeScript the way Node itself does: types are blanked out in place, so lines and columns stay true.
import { stripTypeScriptTypes } from 'node:module'

// biome-ignore lint/style/noDefaultExport: Jest looks for one.
export default {
  process: (source) => ({ code: stripTypeScriptTypes(source, { mode: 'strip' }) }),
}
