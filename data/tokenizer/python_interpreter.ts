import { type Environment, Interpreter } from "@huggingface/jinja";
import { pythonEquals } from "./python_equality.ts";
import { type JinjaValue, pythonFormat, pythonText } from "./python_text.ts";

type Statement = Parameters<Interpreter["evaluate"]>[0];
type Value = ReturnType<Interpreter["evaluate"]>;

/** A node of a program, as far as it is looked at. */
interface Node {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Marks what a template prints; `PythonInterpreter` knows the node. */
export const PRINTED = "Printed";
/** A node that stands for what has been evaluated already. */
const KNOWN = "Known";
/** Statements one after the other, and those of a loop's turn. */
const BLOCK = "Block";
const TURN = "Turn";

/** Leaves a turn of a loop, by `break` or `continue`, with what has been written in it. */
class LeftTurn extends Error {
  text = "";

  constructor(readonly statement: "Break" | "Continue") {
    super(`a ${statement.toLowerCase()} outside of a loop`);
  }
}

/** A loop under way. */
interface Loop {
  /** Written in turns that were left, since the last one that was not. */
  left: string;
  /** Whether a turn came to its end. */
  wentOn: boolean;
}

/**
 * What one rendering may take: templates are other people's, and rendering cannot be interrupted. A step is
 * a node that is evaluated; a list that is walked over or made counts its length too, and a text one for
 * each 64 characters. Templates of models take some thousands.
 */
export const MOST_STEPS = 1_000_000;
/** Characters of any text that a template makes. */
export const LONGEST_TEXT = 1 << 24;

/** Operators to which the library gives another meaning. */
const OPERATORS: ReadonlySet<string> = new Set(["~", "+", "%", "==", "!=", "in", "not in"]);

/** Nodes that can make a list, rather than name one. */
const MAKING: ReadonlySet<string> = new Set(["CallExpression", "FilterExpression"]);

/**
 * Runs a program, within bounds, as Jinja does where the library differs: values are printed, joined, compared and
 * formatted as Python does, a remainder has the divisor's sign, a text is not added to what is none, and what was
 * written before a `break` or a `continue` stays.
 */
export class PythonInterpreter extends Interpreter {
  #steps = 0;

  /** @throws RangeError when the template takes more than it may */
  override evaluate(statement: Statement, environment: Environment): Value {
    const value = this.#evaluate(statement, environment);
    const inner: unknown = value?.value;
    if (typeof inner === "string") {
      if (inner.length > LONGEST_TEXT) {
        throw new RangeError(`a template that makes a text of ${inner.length} characters`);
      }
      this.#take(1 + (inner.length >> 6));
    } else {this.#take(
        Array.isArray(inner) && MAKING.has(statement?.type ?? "") ? 1 + inner.length : 1,
      );}
    return value;
  }

  #take(steps: number): void {
    this.#steps += steps;
    if (this.#steps <= MOST_STEPS) return;
    throw new RangeError(`a template that does not end within ${MOST_STEPS} steps`);
  }

  #evaluate(statement: Statement, environment: Environment): Value {
    const node = statement as unknown as Node | undefined;
    switch (node?.type) {
      case KNOWN:
        return node.value as Value;
      case PRINTED:
        return this.#text(pythonText(this.#value(node.value, environment)), environment);
      case "BinaryExpression":
        return this.#binary(node, environment);
      case "FilterExpression":
        return this.#filter(node, environment);
      case "For":
        return this.#loop(node, environment);
      case "If":
        return this.#plain({
          ...node,
          body: [{ type: BLOCK, statements: node.body }],
          alternate: [{ type: BLOCK, statements: node.alternate }],
        }, environment);
      case BLOCK:
        return this.#text(this.#block(node.statements as Node[], environment), environment);
      case TURN:
        return this.#turn(node, environment);
      case "Break":
      case "Continue":
        throw new LeftTurn(node.type);
      case "CallExpression":
        return this.#call(node, environment);
      default:
        return super.evaluate(statement, environment);
    }
  }

  #value(node: unknown, environment: Environment): JinjaValue {
    return this.evaluate(node as Statement, environment);
  }

  #plain(node: Node, environment: Environment): Value {
    return super.evaluate(node as unknown as Statement, environment);
  }

  #text(value: string, environment: Environment): Value {
    return this.#plain({ type: "StringLiteral", value }, environment);
  }

  #binary(node: Node, environment: Environment): Value {
    const operator = (node.operator as { value: string }).value;
    if (!OPERATORS.has(operator)) return this.#plain(node, environment);
    const left = this.#value(node.left, environment);
    const right = this.#value(node.right, environment);
    if (operator === "==" || operator === "!=") {
      return this.#boolean(pythonEquals(left, right) === (operator === "=="), environment);
    }
    if (operator.endsWith("in") && isList(right)) {
      const found = right.value.some((element) => pythonEquals(left, element));
      return this.#boolean(found === (operator === "in"), environment);
    }
    if (operator === "~") return this.#text(pythonText(left) + pythonText(right), environment);
    const [isText, isTextToo] = [left.type === "StringValue", right.type === "StringValue"];
    if (operator === "+" && isText && isTextToo) {
      return this.#text(`${left.value}${right.value}`, environment);
    }
    if (operator === "+" && isText !== isTextToo) {
      throw new TypeError(`a sum of ${left.type} and ${right.type}`);
    }
    if (operator === "%" && isText) {
      const values = right.type === "TupleValue" ? right.value as JinjaValue[] : [right];
      return this.#text(pythonFormat(String(left.value), values), environment);
    }
    if (operator === "%" && isNumber(left) && isNumber(right)) {
      return this.#plain(remainderNode(left, right), environment);
    }
    return this.#plain({ ...node, left: knownNode(left), right: knownNode(right) }, environment);
  }

  /** What is walked over is counted before; a body may be empty. */
  #loop(node: Node, environment: Environment): Value {
    const iterable = node.iterable as Node;
    const selects = iterable.type === "SelectExpression";
    const list = this.#value(selects ? iterable.lhs : iterable, environment);
    if (Array.isArray(list.value)) this.#take(list.value.length);
    // Of what is undefined there is nothing to walk over.
    const given = list.type === "UndefinedValue"
      ? { type: "ArrayLiteral", value: [] }
      : knownNode(list);
    const known = selects ? { ...iterable, lhs: given } : given;
    const loop: Loop = { left: "", wentOn: false };
    const body = [{ type: TURN, statements: node.body, loop }];
    const value = this.#plain({ ...node, iterable: known, body }, environment);
    const text = String(value.value);
    // As with Jinja, a loop whose every turn was left has its `else` as well.
    return this.#text(loop.wentOn ? text + loop.left : loop.left + text, environment);
  }

  /** What statements write, also when one of them leaves the turn of a loop. */
  #block(statements: readonly Node[], environment: Environment): string {
    let text = "";
    for (const statement of statements) {
      try {
        const value = this.#value(statement, environment);
        if (value.type !== "NullValue") text += pythonText(value);
      } catch (error) {
        if (error instanceof LeftTurn) error.text = text + error.text;
        throw error;
      }
    }
    return text;
  }

  /** One turn of a loop. The library drops what a turn that is left has written. */
  #turn(node: Node, environment: Environment): Value {
    const loop = node.loop as Loop;
    try {
      const text = loop.left + this.#block(node.statements as Node[], environment);
      loop.left = "";
      loop.wentOn = true;
      return this.#text(text, environment);
    } catch (error) {
      if (!(error instanceof LeftTurn)) throw error;
      loop.left += error.text;
      return this.#plain({ type: error.statement }, environment);
    }
  }

  /** A call, with the name of what is called where that is not there. */
  #call(node: Node, environment: Environment): Value {
    try {
      return this.#plain(node, environment);
    } catch (error) {
      const undefinedCall = error instanceof Error &&
        error.message.endsWith("is not a function: got UndefinedValue");
      if (!undefinedCall) throw error;
      const { value, property } = node.callee as Node;
      const name = String(value ?? (property as Node).value);
      throw new TypeError(
        `a call of ${name}(), which is not known` +
          (name === "strftime_now" ? ": today's date is left out, as it would change results" : ""),
      );
    }
  }

  #boolean(value: boolean, environment: Environment): Value {
    const argument = { type: "IntegerLiteral", value: value ? 0 : 1 };
    return this.#plain(
      { type: "UnaryExpression", operator: { value: "not" }, argument },
      environment,
    );
  }

  #filter(node: Node, environment: Environment): Value {
    const operand = this.#value(node.operand, environment);
    const filter = node.filter as Node;
    const isCall = filter.type === "CallExpression";
    const name = String(((isCall ? filter.callee : filter) as Node).value);
    if (name === "string") return this.#text(pythonText(operand), environment);
    if (name === "format" && operand.type === "StringValue") {
      const args = isCall ? filter.args as unknown[] : [];
      const values = args.map((argument) => this.#value(argument, environment));
      return this.#text(pythonFormat(String(operand.value), values), environment);
    }
    const given = name === "join" && isList(operand)
      ? { type: "ArrayLiteral", value: operand.value.map(joinedNode) }
      : knownNode(operand);
    return this.#plain({ ...node, operand: given }, environment);
  }
}

function isList(value: JinjaValue): value is JinjaValue & { readonly value: JinjaValue[] } {
  return value.type === "ArrayValue" || value.type === "TupleValue";
}

function isNumber({ type }: JinjaValue): boolean {
  return type === "IntegerValue" || type === "FloatValue";
}

/** A remainder of the sign of the divisor. */
function remainderNode(left: JinjaValue, right: JinjaValue): Node {
  const [a, b] = [Number(left.value), Number(right.value)];
  if (b === 0) throw new RangeError("a remainder of a division by zero");
  const isWhole = left.type === "IntegerValue" && right.type === "IntegerValue";
  return { type: isWhole ? "IntegerLiteral" : "FloatLiteral", value: (a % b + b) % b };
}

function knownNode(value: JinjaValue): Node {
  return { type: KNOWN, value };
}

/** An element of a list that is joined. Of others, a filter's arguments may name a part. */
function joinedNode(element: JinjaValue): Node {
  if (["ObjectValue", "ArrayValue", "TupleValue"].includes(element.type)) {
    throw new TypeError("a list to be joined that holds lists or records");
  }
  return { type: "StringLiteral", value: pythonText(element) };
}
