// heapq: a heap keeps most of what an operation knows in its list, where CPython's own moves items
// at once. The rest is here: where it is, and what it is going to return.
#include "engine/frame/consuming.hpp"
#include "engine/frame/method_tables.hpp"

namespace elsewhere::frame {

namespace {

using Plain = PyObject *(*)(PyObject *, PyObject *const *, Py_ssize_t);

enum Kind { push, pop, replace, push_pop, heapify };

struct Heap {
    enum { list = 0, result = 1, lesser = 2, greater = 3 };
    enum { up = 1, down = 2, top = 3 }; // phases
    Activation &a;
    bool largest; // is on top

    [[nodiscard]] PyObject *items() const { return a.slots[list].get(); }
    [[nodiscard]] Py_ssize_t size() const { return PyList_GET_SIZE(items()); }
    [[nodiscard]] PyObject *at(Py_ssize_t i) const { return PyList_GET_ITEM(items(), i); }
    void put(Py_ssize_t i, PyObject *item) const {
        const Ref old = Ref::steal(at(i));
        PyList_SET_ITEM(items(), i, Py_NewRef(item));
    }

    // The size that must not change while items are compared.
    [[nodiscard]] Py_ssize_t expected_size() const { return static_cast<Py_ssize_t>(a.real); }
    // Where the item that is being moved is, and where it began.
    [[nodiscard]] Py_ssize_t position() const { return a.number & 0xffffffff; }
    [[nodiscard]] Py_ssize_t start() const { return a.number >> 32; }
    void move(Py_ssize_t to) {
        PyObject *const one = at(position());
        PyList_SET_ITEM(items(), position(), at(to));
        PyList_SET_ITEM(items(), to, one);
        a.number = start() << 32 | to;
    }
    void begin(int phase, Py_ssize_t where, Py_ssize_t from) {
        a.phase = phase;
        a.number = from << 32 | where;
        a.real = static_cast<double>(size());
    }

    // Is the first less than the second, or the other way round in a heap with the largest on top?
    // -1 with an exception set. After a resume it is those that were being compared, wherever the
    // program has put them meanwhile.
    template <typename Pair> int compare(Pair pair) {
        if (!a.slots[lesser]) {
            const auto [one, other] = pair();
            a.slots[lesser] = Ref::share(largest ? other : one);
            a.slots[greater] = Ref::share(largest ? one : other);
        }
        const int result = a.compare(a.slots[lesser].get(), a.slots[greater].get(), Py_LT);
        a.slots[lesser] = Ref();
        a.slots[greater] = Ref();
        return result;
    }

    // Does the first belong above the second? -1 with an exception set.
    int above(Py_ssize_t one, Py_ssize_t other) {
        const int result = compare([&] { return std::pair(at(one), at(other)); });
        if (result >= 0 && size() != expected_size()) {
            PyErr_SetString(PyExc_RuntimeError, "list changed size during iteration");
            return -1;
        }
        return result;
    }

    // First down to a leaf, always by the child that belongs above the other one; then back.
    bool sift() {
        while (a.phase == up) {
            Py_ssize_t child = 2 * position() + 1;
            if (position() >= expected_size() / 2) {
                a.phase = down;
                break;
            }
            if (child + 1 < expected_size()) {
                const int first = above(child, child + 1);
                if (first < 0) return false;
                if (first == 0) ++child;
            }
            move(child);
        }
        while (position() > start()) {
            const Py_ssize_t parent = (position() - 1) / 2;
            const int higher = above(position(), parent);
            if (higher < 0) return false;
            if (higher == 0) break;
            move(parent);
        }
        return true;
    }
    bool sift_up(Py_ssize_t from) {
        begin(up, from, from);
        return sift();
    }

    // ---- operations: null with an exception set ----

    PyObject *returned() { return a.slots[result].release(); }

    PyObject *do_push(PyObject *item) {
        if (a.phase == 0) {
            if (PyList_Append(items(), item) < 0) return nullptr;
            begin(down, size() - 1, 0);
        }
        if (!sift()) return nullptr;
        Py_RETURN_NONE;
    }

    PyObject *do_pop() {
        if (a.phase == 0) {
            const Ref last = Ref::share(at(size() - 1));
            if (PyList_SetSlice(items(), size() - 1, size(), nullptr) < 0) return nullptr;
            if (size() == 0) return last.copy().release();
            return put_on_top(last.get());
        }
        return sift() ? returned() : nullptr;
    }

    PyObject *put_on_top(PyObject *item) {
        a.slots[result] = Ref::share(at(0));
        put(0, item);
        return sift_up(0) ? returned() : nullptr;
    }

    PyObject *do_replace(PyObject *item) {
        if (a.phase == 0) return put_on_top(item);
        return sift() ? returned() : nullptr;
    }

    PyObject *do_push_pop(PyObject *item) {
        if (a.phase == 0 || a.phase == top) {
            a.phase = top;
            const int goes_in = compare([&] { return std::pair(at(0), item); });
            if (goes_in < 0) return nullptr;
            if (goes_in == 0) return Py_NewRef(item);
            if (size() == 0) {
                PyErr_SetString(PyExc_IndexError, "index out of range");
                return nullptr;
            }
            return put_on_top(item);
        }
        return sift() ? returned() : nullptr;
    }

    // In CPython's order, which for large ones is that of the cache. Each place comes once.
    template <typename Visit> static bool each_parent(Py_ssize_t count, Visit visit) {
        const Py_ssize_t half = count / 2;
        if (count <= 2500) {
            for (Py_ssize_t i = half - 1; i >= 0; --i)
                if (!visit(i)) return false;
            return true;
        }
        Py_ssize_t leftmost = 1;
        while (leftmost * 2 <= half + 1) leftmost *= 2;
        --leftmost;
        auto with_parents = [&](Py_ssize_t from, Py_ssize_t to) {
            for (Py_ssize_t i = from; i >= to; --i)
                for (Py_ssize_t j = i;; j >>= 1) {
                    if (!visit(j)) return false;
                    if ((j & 1) == 0) break;
                }
            return true;
        };
        return with_parents(leftmost - 1, half / 2) && with_parents(half - 1, leftmost);
    }

    PyObject *do_heapify() {
        const Py_ssize_t done = a.phase == 0 ? -1 : start();
        bool skipping = done >= 0;
        const Py_ssize_t count = a.phase == 0 ? size() : expected_size();
        const bool good = each_parent(count, [&](Py_ssize_t from) {
            if (skipping && from != done) return true;
            return std::exchange(skipping, false) ? sift() : sift_up(from);
        });
        if (!good) return nullptr;
        Py_RETURN_NONE;
    }
};

template <Kind kind, bool largest, int spelling> struct Function {
    static inline const char *name = nullptr;
    static inline PyMethodDef *definition = nullptr;
    static inline PyCFunction original = nullptr;

    static bool is_ours(PyObject *list, PyObject *item) {
        if (call_is_resumed()) return true;
        if (!PyList_Check(list)) return false;
        const Py_ssize_t size = PyList_GET_SIZE(list);
        if (size == 0 || size > 0x7ffffff0) return false;
        return is_of_python(PyList_GET_ITEM(list, 0)) ||
               is_of_python(item != nullptr ? item : PyList_GET_ITEM(list, size - 1));
    }

    static PyObject *work(PyObject *list, PyObject *item) {
        Activation a(name, definition);
        Heap heap{a, largest};
        if (a.phase == 0) a.slots[Heap::list] = Ref::share(list);
        if constexpr (kind == push) return heap.do_push(item);
        if constexpr (kind == pop) return heap.do_pop();
        if constexpr (kind == replace) return heap.do_replace(item);
        if constexpr (kind == push_pop) return heap.do_push_pop(item);
        if constexpr (kind == heapify) return heap.do_heapify();
    }

    static PyObject *one(PyObject *self, PyObject *list) {
        return is_ours(list, nullptr) ? work(list, nullptr) : original(self, list);
    }
    static PyObject *two(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
        return count == 2 && is_ours(arguments[0], arguments[1])
                   ? work(arguments[0], arguments[1])
                   : original_of<Plain>(original)(self, arguments, count);
    }

    static void install(PyObject *module, const char *as) {
        if (definition != nullptr || PyObject_HasAttrString(module, as) == 0) return;
        name = as;
        definition = definition_of("_heapq", nullptr, as);
        constexpr bool takes_one = kind == pop || kind == heapify;
        original = takes_one ? interpose(definition, METH_O, one)
                             : interpose(definition, METH_FASTCALL, erase(two));
    }
};

} // namespace

void install_resumable_heaps() {
    PyObject *module = PyDict_GetItemString(PyImport_GetModuleDict(), "_heapq");
    if (module == nullptr || Function<push, false, 0>::definition != nullptr) return;
    Function<push, false, 0>::install(module, "heappush");
    Function<pop, false, 0>::install(module, "heappop");
    Function<replace, false, 0>::install(module, "heapreplace");
    Function<push_pop, false, 0>::install(module, "heappushpop");
    Function<heapify, false, 0>::install(module, "heapify");
    Function<push, true, 0>::install(module, "heappush_max"); // these from 3.14 on
    Function<pop, true, 0>::install(module, "heappop_max");
    Function<replace, true, 0>::install(module, "heapreplace_max");
    Function<push_pop, true, 0>::install(module, "heappushpop_max");
    Function<heapify, true, 0>::install(module, "heapify_max");
    Function<pop, true, 1>::install(module, "_heappop_max"); // and these before
    Function<replace, true, 1>::install(module, "_heapreplace_max");
    Function<heapify, true, 1>::install(module, "_heapify_max");
}

} // namespace elsewhere::frame
