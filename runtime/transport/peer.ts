// Another process as this one talks to it: questions with answers, events without, and the messages of calls. Questions
// that are open when the other side forgets the session (a head that was started again) are asked once more, so whoever
// answers them must bear to be asked twice.
import { RayError, RaySystemError, SerializationError } from "../errors/index.ts";
import { decodeFailure, encodeFailure, kind, type Message } from "../wire/index.ts";
import { maxPacketBytes } from "./channel-options.ts";
import type { Session, SessionListener } from "./session.ts";

/** What a process does with what another one sends. */
export interface PeerHandlers {
  /** Answers a question. What it throws goes back as the error. */
  request?(method: string, payload: unknown, peer: Peer): unknown;
  event?(topic: string, payload: unknown, peer: Peer): void;
  /** A call, an answer to one, or something about one. */
  call?(message: Message, peer: Peer): void;
  up?(peer: Peer, fresh: boolean): void;
  down?(peer: Peer, reason: string): void;
  ended?(peer: Peer, error: Error): void;
  /** It could not be reached just now; it is tried again. */
  unreachable?(peer: Peer, reason: string): void;
}

interface Question {
  readonly method: string;
  readonly payload: unknown;
  resolve(payload: unknown): void;
  reject(error: unknown): void;
}

export class Peer implements SessionListener {
  /** The other process, where it is known. */
  readonly processId: string;
  readonly #handlers: PeerHandlers;
  readonly #session: () => Session;
  readonly #questions = new Map<number, Question>();
  #lastQuestion = 0;
  /** How often the other side has forgotten the session. What it asked before that, it does not wait for any more. */
  #forgotten = 0;
  #ended: Error | undefined;

  constructor(processId: string, handlers: PeerHandlers, session: () => Session) {
    this.processId = processId;
    this.#handlers = handlers;
    this.#session = session;
  }

  get connected(): boolean {
    return this.#ended === undefined && this.#session().up;
  }

  get endedBy(): Error | undefined {
    return this.#ended;
  }

  /** Sends a message of a call. `bytes`: about how large its values are. */
  send(message: Message, bytes = 0): void {
    this.#session().send(message, bytes);
  }

  /** Tells something that needs no answer. */
  tell(topic: string, payload: unknown): void {
    this.send([kind.event, topic, payload]);
  }

  /** Asks something. Rejects with what the other side threw, or with why it cannot be reached any more. */
  ask(method: string, payload: unknown): Promise<unknown> {
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#lastQuestion = (this.#lastQuestion % 0xffff_ffff) + 1;
      this.#questions.set(this.#lastQuestion, { method, payload, resolve, reject });
      this.send([kind.request, this.#lastQuestion, method, payload]);
    });
  }

  /** Sends what waits for the end of the turn. */
  flush(): void {
    this.#session().flush();
  }

  end(error: Error): void {
    this.#session().end(error);
  }

  message(message: Message): void {
    switch (message[0]) {
      case kind.request:
        this.#answer(message[1], message[2], message[3]);
        break;
      case kind.response:
        this.#take(message[1])?.resolve(message[2]);
        break;
      case kind.refused:
        this.#take(message[1])?.reject(decodeFailure(message[2]));
        break;
      case kind.event:
        this.#handlers.event?.(message[1], message[2], this);
        break;
      default:
        this.#handlers.call?.(message, this);
    }
  }

  up(fresh: boolean): void {
    const open = fresh ? [...this.#questions] : [];
    if (fresh) this.#forgotten += 1;
    // The owner introduces itself again before what was open is asked again.
    this.#handlers.up?.(this, fresh);
    for (const [id, { method, payload }] of open) this.send([kind.request, id, method, payload]);
  }

  down(reason: string): void {
    this.#handlers.down?.(this, reason);
  }

  unreachable(reason: string): void {
    this.#handlers.unreachable?.(this, reason);
  }

  /** Whoever waits for what this message would have brought learns that it cannot be sent. */
  tooLarge(message: Message, bytes: number): void {
    const size = Math.ceil(bytes / 2 ** 20);
    const text = `a message of ${size} MiB cannot be sent, at most ${maxPacketBytes >> 20} MiB can: send less at once`;
    const error = new SerializationError(text, { path: "" });
    switch (message[0]) {
      case kind.request:
        this.#take(message[1])?.reject(error);
        break;
      case kind.response:
        this.send([kind.refused, message[1], encodeFailure(error)]);
        break;
      case kind.call:
        this.message([kind.failed, message[1], encodeFailure(error)]);
        break;
      case kind.values:
      case kind.item:
      case kind.threw:
        this.send([kind.failed, message[1], encodeFailure(error)]);
        break;
      default:
        this.end(error);
    }
  }

  ended(error: Error): void {
    this.#ended = error;
    for (const { reject } of this.#questions.values()) reject(error);
    this.#questions.clear();
    this.#handlers.ended?.(this, error);
  }

  #take(id: number): Question | undefined {
    const question = this.#questions.get(id);
    this.#questions.delete(id);
    return question;
  }

  #answer(id: number, method: string, payload: unknown): void {
    const forgotten = this.#forgotten;
    // The numbers of questions begin anew with it: a late answer would be taken for that of another question.
    const reply = (message: Message) => forgotten === this.#forgotten && this.send(message);
    const refuse = (error: unknown) => {
      const known =
        error instanceof RayError
          ? error
          : new RaySystemError(`${method} failed: ${String(error)}`, {}, { cause: error });
      reply([kind.refused, id, encodeFailure(known)]);
    };
    try {
      const answer = this.#handlers.request?.(method, payload, this);
      if (answer instanceof Promise) answer.then((value) => reply([kind.response, id, value]), refuse);
      else reply([kind.response, id, answer]);
    } catch (error) {
      refuse(error);
    }
  }
}
