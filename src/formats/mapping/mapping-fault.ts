/** What is wrong with a mapping. */
export interface MappingFault {
  /** Its place in the settings file. */
  readonly setting: string
  readonly received: string
  readonly allowed: string
}
