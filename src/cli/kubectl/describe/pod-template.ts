/** A pod template as `describe` and `rollout history` show it. */
export function podTemplateText(_template: Record<string, any>): string { return '' }
