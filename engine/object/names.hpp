#pragma once

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/cpython/ref.hpp"
#include "engine/snapshot/object_stream.hpp"

namespace elsewhere::object {

// What is kept by name: everything of the standard library and of installed packages that the
// program did not make itself. Made at the start of a walk, from sys.modules as it is then.
class Names {
  public:
    struct Name {
        PyObject *module = nullptr; // borrowed from sys.modules, or null: not known by name
        std::string qualname;
        snapshot::Unwrap unwrap = snapshot::Unwrap::nothing;
        explicit operator bool() const { return module != nullptr; }
    };

    Names();

    // The name it is imported by, which is not always its __name__ (_collections_abc); borrowed, or
    // null.
    [[nodiscard]] PyObject *name_of(PyObject *module) const;
    // Whose a module is. The program's are kept by value: __main__, and what was imported from its
    // own files. The library's are imported by name. What an extension has put into sys.modules
    // comes with the extension.
    enum class Owner { program, library, extension };
    Owner owner(PyObject *module);
    bool own(PyObject *module) { return owner(module) == Owner::program; }
    // The module that `dict` is the namespace of; null if none in sys.modules.
    PyObject *module_of_dict(PyObject *dict) const;
    // The module of that name in sys.modules if it is kept by name, else null.
    PyObject *foreign(PyObject *name);
    // How a function, class or any other object is found again; empty if it is to be kept by value.
    Name find(PyObject *object);
    // Is it, dead or alive, the address of what a module of the library has?
    [[nodiscard]] bool has(PyObject *address) const;
    // The same as find() for a function or class, by its own account of where it is from.
    Name by_own_name(PyObject *object);
    // A function of the library that is not what its name leads to, as a decorator hides it: an
    // attribute of what that leads to.
    struct Hidden {
        Ref holder; // null: it is not hidden
        Ref inner;
        std::string attribute;
        explicit operator bool() const { return static_cast<bool>(holder); }
    };
    Hidden hidden(PyObject *function);
    // Where a module is found that is not in sys.modules; empty if it is the program's.
    Name unlisted_module(PyObject *module);
    // {module: names}: what a fresh import has otherwise, or not, has no name by that place.
    void forget(PyObject *changed);
    // A string that a module of the library has for others to compare with by identity?
    [[nodiscard]] bool is_mark(PyObject *string) const { return marks_.count(string) != 0; }
    // The class whose namespace `dict` is, or null.
    Ref class_of_dict(PyObject *dict);
    // The class that has `function`, a static method written in C, under its name; or null.
    Ref class_of_static(PyObject *function);
    // sys.stdin and so on: name and depth (0 text, 1 buffer, 2 raw); null name if none of them.
    struct Stream {
        const char *name = nullptr;
        unsigned depth = 0;
    };
    Stream stream(PyObject *object) const;

  private:
    bool own_file(PyObject *path) const;
    // Where it says to be from, if that is a module of the library: something else may be there.
    Name own_name(PyObject *object);
    [[nodiscard]] PyObject *changed_in(PyObject *module) const;
    void index_libraries();
    void index(PyObject *module);
    bool kept_by_value(PyObject *object);

    Ref modules_; // sys.modules
    Ref changed_; // as forget() was told
    std::vector<std::string> foreign_roots_;
    std::unordered_map<PyObject *, Owner> owners_;
    std::unordered_map<PyObject *, PyObject *> dicts_; // module dict → module
    struct Entry {
        PyObject *module;
        PyObject *name;
    };
    bool types_indexed_ = false;
    std::unordered_map<PyObject *, Entry> index_;
    std::unordered_set<PyObject *> marks_;
    std::unordered_map<PyObject *, Stream> streams_;
    std::unordered_map<PyObject *, PyObject *> class_dicts_; // made at the first question
    std::vector<Ref> kept_;
};

// The object behind a name; also how Names checks that a name leads back. Raw: attributes of
// classes are looked up without binding them. Null (no exception set) where there is none.
Ref look_up(PyObject *module, const std::string &qualname, snapshot::Unwrap unwrap);

// The same, where a module may make or import what is behind the name only now.
Ref found_by_name(PyObject *module, const std::string &qualname, snapshot::Unwrap unwrap);

} // namespace elsewhere::object
