"""Code by name, options, and what a class's methods are."""

import sys

import pytest
import runtime_support  # noqa: F401
from astune_runtime.actor_info import has_async, method, methods_of
from astune_runtime.errors import InvalidOptionError, RuntimeEnvSetupError
from astune_runtime.modules import code_of, load, reference_of
from astune_runtime.options import compile_actor, compile_request


class Shop:
    def sell(self, item):
        return item

    async def wait(self): ...

    def goods(self):
        yield 1

    async def news(self):
        yield 1

    @method(concurrency_group="io", max_task_retries=2)
    def log(self): ...

    @method(num_returns="streaming")
    def given(self):
        return iter(())


def test_methods_are_known_by_how_they_are_defined():
    kinds = {name: kind for name, kind, *_ in methods_of(Shop)}
    assert kinds == {
        **{"sell": "sync", "wait": "async", "goods": "generator", "news": "generator", "log": "sync"},
        **{"given": "generator", "__ray_ready__": "sync", "__ray_terminate__": "sync"},
    }
    assert ["log", "sync", {"concurrencyGroup": "io", "maxTaskRetries": 2}] in methods_of(Shop)
    assert has_async(Shop) and not has_async(dict)
    with pytest.raises(InvalidOptionError, match="one of the options"):
        method(retries=1)


def test_modules_are_looked_for_in_the_folders_first(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "shop_of_test.py").write_text("class Shop: pass\nclass _Own: pass\nvalue = 1\n")
    folders = [str(tmp_path)]
    found = load("deep.shop_of_test", "Shop", folders)
    assert found.__module__ == "deep.shop_of_test"
    assert code_of({"root": "python", "path": "deep.shop_of_test", "name": "Shop", "folders": folders}) is found
    with pytest.raises(RuntimeEnvSetupError, match="no class or function Nobody; it has Shop"):
        load("deep.shop_of_test", "Nobody", folders)
    with pytest.raises(RuntimeEnvSetupError, match="there is no module deep.nowhere"):
        load("deep.nowhere", "Shop", folders)
    (tmp_path / "broken_of_test.py").write_text("import no_such_package_at_all\n")
    with pytest.raises(RuntimeEnvSetupError, match="broken_of_test does not load here.*no_such_package"):
        load("broken_of_test", "Shop", folders)
    with pytest.raises(RuntimeEnvSetupError, match="not Python|is not Python"):
        code_of({"root": "package", "path": "x.ts", "name": "X"})


def test_a_class_is_named_by_its_module():
    reference = reference_of(Shop)
    assert (reference["root"], reference["path"], reference["name"]) == ("python", __name__, "Shop")
    assert all(isinstance(folder, str) for folder in reference["folders"])
    assert not any(folder.startswith(sys.prefix + "/lib/python3") for folder in reference["folders"])

    class Local: ...

    for nameless in (Local, lambda: 0):
        with pytest.raises(InvalidOptionError, match="module's own level"):
            reference_of(nameless)


def test_options_have_rays_defaults():
    plain = compile_actor("Shop", [], False, {})
    assert plain["maxConcurrency"] == 1 and plain["info"]["ordered"]
    assert plain["request"]["held"] == {} and plain["request"]["placement"] == {"CPU": 10_000}
    assert compile_actor("Shop", [], True, {})["maxConcurrency"] == 1000
    held = compile_actor("Shop", [], False, {"num_gpus": 0.5, "memory": 100, "resources": {"disk": 1}})
    assert held["request"]["held"] == {"GPU": 5000, "memory": 100, "disk": 10_000, "CPU": 10_000}
    assert compile_request({"num_cpus": 0}, 1)["held"] == {}


@pytest.mark.parametrize(
    "options",
    [
        *({"cpus": 1}, {"num_cpus": -1}, {"num_gpus": 0.00001}, {"resources": {"CPU": 1}}, {"lifetime": "long"}),
        *({"max_restarts": -2}, {"max_concurrency": 0}, {"get_if_exists": True}, {"scheduling_strategy": "HERE"}),
    ],
)
def test_options_that_are_wrong_are_named(options):
    with pytest.raises(InvalidOptionError) as caught:
        compile_actor("Shop", [], False, options)
    assert next(iter(options)) in str(caught.value)
