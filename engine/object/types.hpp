#pragma once

#include <unordered_map>
#include <vector>

#include "engine/cpython/ref.hpp"
#include "engine/snapshot/object_stream.hpp"

namespace elsewhere::object {

class Walk;
struct Family;

// What a class or one of its bases has under a name (borrowed), or null.
PyObject *found(PyTypeObject *type, const char *name);

// What the walk knows about a type.
struct Kind {
    // Writes an object of this type at once, without a visit; may decline. May be null.
    bool (*now)(Walk &, PyObject *, snapshot::Reference &) = nullptr;
    const Family *family = nullptr; // how it is visited; null: refused
    bool nameable = true;           // may be an object of a module that is kept by name

    // For instances of Python classes.
    struct Slot {
        Ref name;
        Ref descriptor;
    };
    std::vector<Slot> slots;
    PyTypeObject *base = nullptr; // the builtin type that holds the rest of its state
    bool is_enum = false;         // its members are singletons of their class
    Ref reducer;                  // of elsewhere._keep or copyreg, if there is one
    Ref member_reducer;           // of elsewhere._keep, while its class is not known by name
};

// Type → Kind, worked out once per type and walk.
class Types {
  public:
    Types();
    const Kind &of(PyTypeObject *type) {
        if (type != last_type_) {
            last_ = &find(type);
            last_type_ = type;
        }
        return *last_;
    }

  private:
    const Kind &find(PyTypeObject *type);
    Kind classify(PyTypeObject *type);

    std::unordered_map<PyTypeObject *, Kind> kinds_;
    std::vector<Ref> kept_;
    PyTypeObject *last_type_ = nullptr;
    const Kind *last_ = nullptr;
    Ref dispatch_table_; // of copyreg
    Ref reducers_;       // of elsewhere._keep, or null
};

} // namespace elsewhere::object
