/* Tells callgrind when to count: everything between on() and off(name) goes to a dump under that name. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <valgrind/callgrind.h>

static PyObject *on(PyObject *module, PyObject *none) {
    (void)module;
    (void)none;
    CALLGRIND_START_INSTRUMENTATION;
    CALLGRIND_ZERO_STATS;
    Py_RETURN_NONE;
}

static PyObject *off(PyObject *module, PyObject *name) {
    const char *text = PyUnicode_AsUTF8(name);
    (void)module;
    if (text == NULL) {
        return NULL;
    }
    CALLGRIND_DUMP_STATS_AT(text);
    CALLGRIND_STOP_INSTRUMENTATION;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"on", on, METH_NOARGS, NULL}, {"off", off, METH_O, NULL}, {NULL, NULL, 0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "counting_module", NULL, 0, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_counting_module(void) {
    return PyModule_Create(&definition);
}
