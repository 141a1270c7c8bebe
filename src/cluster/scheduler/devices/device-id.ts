/** Driver, pool and device in one key: neither a driver's name nor a device's holds a slash. */
export type DeviceId = string

export const deviceId = (driver: string, pool: string, device: string): DeviceId => `${driver}/${pool}/${device}`
