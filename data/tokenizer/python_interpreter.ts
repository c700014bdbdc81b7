import { type Environment, Interpreter } from "@huggingface/jinja";
import { isList, KNOWN, knownNode, type Node, nodesOf } from "./jinja_nodes.ts";
import {
  countFilter,
  countMethod,
  LONGEST_TEXT,
  sizeOf,
  stepCounter,
  textSteps,
} from "./jinja_steps.ts";
import { OPERATORS, pythonOperation } from "./python_operators.ts";
import { pythonSlice, textFilter, textMethod } from "./python_strings.ts";
import { type JinjaValue, pythonFormat, pythonText } from "./python_text.ts";

type Statement = Parameters<Interpreter["evaluate"]>[0];
type Value = ReturnType<Interpreter["evaluate"]>;

/** Marks what a template prints; `PythonInterpreter` knows the node. */
export const PRINTED = "Printed";
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

/** Nodes that can make a list, rather than name one. */
const MAKING: ReadonlySet<string> = new Set(["CallExpression", "FilterExpression"]);

/** Where arguments that are no expressions themselves hold one. */
const ARGUMENTS: Readonly<Record<string, string>> = {
  SpreadExpression: "argument",
  KeywordSpreadExpression: "argument",
  KeywordArgumentExpression: "value",
};

type Call = (args: JinjaValue[], scope: Environment) => Value;

/** A function of another doing; the given one may be shared by renderings. */
function changedCall(value: Value, change: (call: Call) => Call): Value {
  return new (value.constructor as new (call: Call) => Value)(change(value.value as Call));
}

/**
 * Runs a program, within bounds, as Jinja does where the library differs: values are printed, joined, compared and
 * formatted as Python does, texts have Python's methods and characters, a remainder has the divisor's sign, a text is not added to
 * what is none, and what was written before a `break` or a `continue` stays.
 */
export class PythonInterpreter extends Interpreter {
  readonly #count = stepCounter();
  readonly #loops = new WeakSet<JinjaValue>();

  /** @throws RangeError when the template takes more than it may */
  override evaluate(statement: Statement, environment: Environment): Value {
    const value = this.#evaluate(statement, environment) ?? this.#undefined(environment);
    const inner: unknown = value.value;
    if (typeof inner === "string") {
      if (inner.length > LONGEST_TEXT) {
        throw new RangeError(`a template that makes a text of ${inner.length} characters`);
      }
      this.#count(1 + textSteps(inner.length));
    } else {
      this.#count(MAKING.has(statement?.type ?? "") ? 1 + sizeOf(value) : 1);
    }
    return value;
  }

  #evaluate(statement: Statement, environment: Environment): Value | undefined {
    const node = statement as unknown as Node | undefined;
    switch (node?.type) {
      case KNOWN:
        return node.value as Value;
      case PRINTED:
        return this.#print(this.#value(node.value, environment), environment);
      case "Identifier":
        return this.#variable(node, environment);
      case "MemberExpression":
        return this.#member(node, environment);
      case "BinaryExpression":
        return this.#binary(node, environment);
      case "FilterExpression":
        return this.#filter(node, environment);
      case "FilterStatement": {
        const operand = { type: BLOCK, statements: node.body };
        return this.#print(this.#filter({ ...node, operand }, environment), environment);
      }
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
      case "Macro":
        // The library looks through its body.
        this.#count(nodesOf(node));
        return this.#plain(node, environment);
      case "CallExpression":
        return this.#call(node, environment);
      case "CallStatement": {
        this.#count(nodesOf(node));
        const call = this.#withArguments(node.call as Node, environment);
        return this.#print(this.#plain({ ...node, call }, environment), environment);
      }
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

  #print(value: JinjaValue, environment: Environment): Value {
    return this.#text(pythonText(value, this.#count), environment);
  }

  #undefined(environment: Environment): Value {
    return super.evaluate(undefined as unknown as Statement, environment);
  }

  /** A variable. The library looks up what is undefined by throwing an error. */
  #variable(node: Node, environment: Environment): Value | undefined {
    const name = String(node.value);
    let depth = 0;
    let scope: Environment | undefined = environment;
    for (; scope !== undefined && !scope.variables.has(name); scope = scope.parent) depth++;
    this.#count(depth >> 3);
    const value = scope?.variables.get(name);
    if (name !== "namespace" || value?.type !== "FunctionValue") return value;
    // It copies what it is given.
    return changedCall(value, (library) => (args, scope) => {
      for (const given of args) this.#count(sizeOf(given));
      return library(args, scope);
    });
  }

  /** A member, or a part of a text or of a list. */
  #member(node: Node, environment: Environment): Value {
    const owner = this.#value(node.object, environment);
    let property = node.property as Node;
    if (property.type === "SliceExpression") return this.#slice(owner, property, environment);
    if (node.computed === true) property = knownNode(this.#value(property, environment));
    const key = property.type === KNOWN ? (property.value as JinjaValue).value : property.value;
    const isText = typeof owner.value === "string";
    if (isText && typeof key === "number") {
      const character = Array.from(String(owner.value)).at(key);
      return character === undefined
        ? this.#undefined(environment)
        : this.#text(character, environment);
    }
    const isOwn = owner.value instanceof Map && owner.value.has(key);
    // What the library gives loops, texts and lists beside what Jinja and Python do.
    const isForeign = this.#loops.has(owner) ? !isOwn : key === "length" && !isOwn;
    if (isForeign) return this.#undefined(environment);
    const value = this.#plain({ ...node, object: knownNode(owner), property }, environment);
    return value.type !== "FunctionValue" || typeof key !== "string" || isOwn
      ? value
      : this.#method(value, { name: key, owner });
  }

  /** Some of a list's elements, or of a text's characters. */
  #slice(owner: JinjaValue, slice: Node, environment: Environment): Value {
    const bounds = [slice.start, slice.stop, slice.step].map((node) => {
      const bound = this.#value(node, environment);
      if (bound.type === "IntegerValue") return Number(bound.value);
      if (bound.type === "UndefinedValue" || bound.type === "NullValue") return undefined;
      throw new TypeError(`a slice by ${bound.type}`);
    });
    if (typeof owner.value === "string") {
      this.#count(textSteps(owner.value.length));
      return this.#text(pythonSlice(Array.from(owner.value), bounds).join(""), environment);
    }
    if (!isList(owner)) throw new TypeError(`a slice of ${owner.type}`);
    this.#count(owner.value.length);
    const type = owner.type === "TupleValue" ? "TupleLiteral" : "ArrayLiteral";
    return this.#plain(
      { type, value: pythonSlice(owner.value, bounds).map(knownNode) },
      environment,
    );
  }

  /** A method that the library gives a text or a record, which counts its steps when it is called. */
  #method(method: Value, { name, owner }: { name: string; owner: JinjaValue }): Value {
    const own = typeof owner.value === "string" ? textMethod(name) : null;
    return changedCall(method, (library) => (args, scope) => {
      countMethod(name, owner, { args, count: this.#count });
      return own === null
        ? library(args, scope)
        : this.#text(own(String(owner.value), args[0]?.value), scope);
    });
  }

  #binary(node: Node, environment: Environment): Value {
    const operator = (node.operator as { value: string }).value;
    if (!OPERATORS.has(operator)) return this.#plain(node, environment);
    const left = this.#value(node.left, environment);
    const right = this.#value(node.right, environment);
    const result = pythonOperation(operator, [left, right], this.#count) ??
      { ...node, left: knownNode(left), right: knownNode(right) };
    return this.#plain(result, environment);
  }

  /** What is walked over is counted before; a body may be empty. */
  #loop(node: Node, environment: Environment): Value {
    const iterable = node.iterable as Node;
    const selects = iterable.type === "SelectExpression";
    const list = this.#value(selects ? iterable.lhs : iterable, environment);
    this.#count(sizeOf(list));
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
        if (value.type !== "NullValue") text += pythonText(value, this.#count);
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
    const variable = environment.variables.get("loop") as Value;
    const members = variable.value;
    if (!(members instanceof Map && members.has("revindex0"))) {
      throw new TypeError("a variable of a loop that is named loop");
    }
    // Of loops that are not recursive, which the library does not know.
    for (const [name, value] of [["depth", 1], ["depth0", 0]] as const) {
      members.set(name, this.#plain({ type: "IntegerLiteral", value }, environment));
    }
    this.#loops.add(variable);
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
      return this.#plain(this.#withArguments(node, environment), environment);
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

  /** A call whose arguments are known, and counted one by one. */
  #withArguments(call: Node, environment: Environment): Node & { readonly values: JinjaValue[] } {
    const values: JinjaValue[] = [];
    const args = (call.args as Node[]).map((node) => {
      const field = ARGUMENTS[node.type];
      const value = this.#value(field === undefined ? node : node[field], environment);
      if (field === "argument") {
        this.#count(sizeOf(value));
        const spread = value.value instanceof Map ? value.value.values() : value.value;
        if (isList(value) || value.value instanceof Map) {
          for (const each of spread as Iterable<JinjaValue>) values.push(each);
        }
      } else values.push(value);
      // Some filters ask for literals.
      if (node.type === "StringLiteral") return node;
      return field === undefined ? knownNode(value) : { ...node, [field]: knownNode(value) };
    });
    return { ...call, args, values };
  }

  #filter(node: Node, environment: Environment): Value {
    const operand = this.#value(node.operand, environment);
    const named = node.filter as Node;
    const isCall = named.type === "CallExpression";
    const filter = isCall
      ? this.#withArguments(named, environment)
      : { ...named, values: [] as JinjaValue[] };
    const name = String(((isCall ? named.callee : named) as Node).value);
    const { values } = filter;
    countFilter(name, operand, { args: values, count: this.#count });
    const ofText = textFilter(name);
    if (ofText !== null) {
      return this.#text(ofText(pythonText(operand, this.#count), values[0]?.value), environment);
    }
    if (name === "length" && typeof operand.value === "string") {
      const value = Array.from(operand.value).length;
      return this.#plain({ type: "IntegerLiteral", value }, environment);
    }
    if (name === "string") return this.#print(operand, environment);
    if (name === "format" && operand.type === "StringValue") {
      const text = pythonFormat(String(operand.value), values, this.#count);
      return this.#text(text, environment);
    }
    const given = name === "join" && isList(operand)
      ? { type: "ArrayLiteral", value: operand.value.map((each) => this.#joined(each)) }
      : knownNode(operand);
    return this.#plain({ type: "FilterExpression", filter, operand: given }, environment);
  }

  /** An element of a list that is joined. Of others, a filter's arguments may name a part. */
  #joined(element: JinjaValue): Node {
    if (["ObjectValue", "ArrayValue", "TupleValue"].includes(element.type)) {
      throw new TypeError("a list to be joined that holds lists or records");
    }
    return { type: "StringLiteral", value: pythonText(element, this.#count) };
  }
}
