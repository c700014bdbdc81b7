import { type Environment, Interpreter } from "@huggingface/jinja";
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

/**
 * What one rendering may take: templates are other people's, and rendering cannot be interrupted. A step is
 * a node that is evaluated; a list that is walked over or made counts its length too, and a text one for
 * each 64 characters. Templates of models take some thousands.
 */
export const MOST_STEPS = 1_000_000;
/** Characters of any text that a template makes. */
export const LONGEST_TEXT = 1 << 24;

/** Nodes that can make a list, rather than name one. */
const MAKING: ReadonlySet<string> = new Set(["CallExpression", "FilterExpression"]);

/**
 * Runs a program, within bounds, as Jinja does where the library differs: values are printed, joined and formatted as
 * Python writes them, a remainder has the divisor's sign, and a text is not added to what is none.
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
    if (operator !== "~" && operator !== "+" && operator !== "%") {
      return this.#plain(node, environment);
    }
    const left = this.#value(node.left, environment);
    const right = this.#value(node.right, environment);
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
    const known = selects ? { ...iterable, lhs: knownNode(list) } : knownNode(list);
    return this.#plain({ ...node, iterable: known }, environment);
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
    const joins = name === "join" && ["ArrayValue", "TupleValue"].includes(operand.type);
    const given = joins
      ? { type: "ArrayLiteral", value: (operand.value as JinjaValue[]).map(joinedNode) }
      : knownNode(operand);
    return this.#plain({ ...node, operand: given }, environment);
  }
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
