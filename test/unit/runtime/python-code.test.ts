import { expect, test } from "vitest";
import { codeRefOf, isPython } from "../../../runtime/code/index.ts";
import { InvalidOptionError, type ObjectRef, pythonClass, pythonFunction } from "../../../runtime/index.ts";

interface Shop {
  sell(item: string): number;
  wait(ms: number): Promise<string>;
  goods(): Generator<string>;
  news(): AsyncGenerator<number>;
}
const kinds = { sell: "sync", wait: "async", goods: "generator", news: "asyncGenerator" } as const;

test("the compiler wants the kind of every method, and the right one where the type says it", () => {
  pythonClass<Shop>("shop->Shop", kinds);
  // @ts-expect-error `news` is missing
  pythonClass<Shop>("shop->Shop", { sell: "sync", wait: "async", goods: "generator" });
  // @ts-expect-error `goods` gives a generator
  pythonClass<Shop>("shop->Shop", { ...kinds, goods: "sync" });
  // @ts-expect-error a method that the type does not have
  pythonClass<Shop>("shop->Shop", { ...kinds, buy: "sync" });
  const typed = (Class: ReturnType<typeof pythonClass<Shop, [name: string]>>) => {
    const sold: ObjectRef<number> = Class.remote("corner").sell.remote("ink");
    // @ts-expect-error the constructor takes a text
    Class.remote(1);
    // @ts-expect-error `sell` takes a text
    Class.remote("corner").sell.remote(2);
    return sold;
  };
  expect(typed).toBeTypeOf("function");
});

test("a name is a module with dots for folders, and what is in it", () => {
  for (const name of ["shop", "shop->", "->Shop", "../shop->Shop", "shop.py->Shop.py", "/tmp/shop->Shop", "a b->C"]) {
    expect(() => pythonClass(name, {}), name).toThrow(InvalidOptionError);
    expect(() => pythonFunction(name), name).toThrow(InvalidOptionError);
  }
  expect(() => pythonClass<Shop>("deep.er.shop_1 -> Shop", kinds)).not.toThrow();
});

test("options are checked as those of any class", () => {
  const Shops = pythonClass<Shop>("shop->Shop", kinds);
  expect(() => Shops.options({ maxRestarts: -2 })).toThrow(InvalidOptionError);
  expect(() => Shops.options({ numCpus: 1, name: "corner" })).not.toThrow();
});

test("code of this process is no Python code", () => {
  class Own {}
  expect(isPython(Own)).toBe(false);
  expect(codeRefOf(codeRefOf).root).toBe("package");
});
