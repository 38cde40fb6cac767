/** A state machine as data: for each state, which events are legal and where they lead. */
export interface Machine<State extends string, Event extends string> {
  readonly initial: State;
  readonly transitions: { readonly [S in State]: { readonly [E in Event]?: State } };
}

export type Step<State> =
  | { readonly ok: true; readonly to: State }
  | { readonly ok: false; readonly reason: 'illegal-transition' };

/** The state an event leads to, or an error value when the machine has no such move. */
export function step<S extends string, E extends string>(
  machine: Machine<S, E>,
  from: S,
  event: E,
): Step<S> {
  const to = machine.transitions[from][event];
  return to === undefined ? { ok: false, reason: 'illegal-transition' } : { ok: true, to };
}
