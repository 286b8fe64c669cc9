#include "engine/frame/compiled_texts.hpp"

#include <array>
#include <vector>

#include "engine/frame/method_tables.hpp"

namespace elsewhere::frame {

namespace {

constexpr std::array names = {"exec", "eval"};
// Which of them has keywords depends on the version.
using Call = PyObject *(*)(PyObject *, PyObject *const *, Py_ssize_t);
using KeywordCall = PyObject *(*)(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);

std::array<PyMethodDef *, names.size()> definitions;
std::array<PyCFunction, names.size()> originals; // while ours are there
Ref pending;

template <std::size_t which>
PyObject *call(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *keywords) {
    const Ref code = std::move(pending);
    const PyCFunction original = originals[which];
    const bool takes_keywords = (definitions[which]->ml_flags & METH_KEYWORDS) != 0;
    forget_code_for_text();
    std::vector<PyObject *> words(arguments,
                                  arguments + count + (keywords ? PyTuple_GET_SIZE(keywords) : 0));
    if (count > 0 && code && (PyUnicode_Check(words[0]) || PyBytes_Check(words[0])))
        words[0] = code.get();
    return takes_keywords ? original_of<KeywordCall>(original)(self, words.data(), count, keywords)
                          : original_of<Call>(original)(self, words.data(), count);
}

template <std::size_t which>
PyObject *plain_call(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    return call<which>(self, arguments, count, nullptr);
}

template <std::size_t which> void stand_in() {
    if (definitions[which] == nullptr)
        definitions[which] = definition_of("builtins", nullptr, names[which]);
    originals[which] =
        definitions[which]->ml_flags == METH_FASTCALL
            ? interpose(definitions[which], METH_FASTCALL, erase(plain_call<which>))
            : interpose(definitions[which], METH_FASTCALL | METH_KEYWORDS, erase(call<which>));
}

} // namespace

void run_for_text(PyObject *code) {
    forget_code_for_text();
    pending = Ref::share(code);
    stand_in<0>();
    stand_in<1>();
}

void forget_code_for_text() {
    for (std::size_t i = 0; i < names.size(); ++i)
        if (originals[i] != nullptr) definitions[i]->ml_meth = originals[i];
    originals = {};
    pending = Ref();
}

} // namespace elsewhere::frame
