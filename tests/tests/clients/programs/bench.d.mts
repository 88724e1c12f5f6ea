export function tell(what: object): Promise<any>;
export function end(): never;
