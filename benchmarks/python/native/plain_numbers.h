/* From Python to C as a careful author of an extension module writes it: public API only, every error looked at. */
#ifndef PLAIN_NUMBERS_H
#define PLAIN_NUMBERS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>

static inline int takes(const char *name, Py_ssize_t count, Py_ssize_t wanted) {
    if (count != wanted) {
        PyErr_Format(PyExc_TypeError, "%s takes %zd arguments, got %zd", name, wanted, count);
        return 0;
    }
    return 1;
}

static inline int take_i64(PyObject *object, int64_t *value) {
    *value = PyLong_AsLongLong(object);
    return *value != -1 || PyErr_Occurred() == NULL;
}

static inline int take_within(PyObject *object, int64_t low, int64_t high, int64_t *value) {
    if (!take_i64(object, value)) {
        return 0;
    }
    if (*value < low || *value > high) {
        PyErr_Format(PyExc_OverflowError, "%lld is not within %lld to %lld", (long long)*value, (long long)low,
                     (long long)high);
        return 0;
    }
    return 1;
}

static inline int take_f64(PyObject *object, double *value) {
    *value = PyFloat_AsDouble(object);
    return *value != -1.0 || PyErr_Occurred() == NULL;
}

/* `floats` elements of format f, writable if asked; to be released if 1 is returned. */
static inline int take_floats(PyObject *object, int is_written, Py_buffer *view) {
    const int flags = PyBUF_ND | PyBUF_FORMAT | (is_written ? PyBUF_WRITABLE : 0);
    if (PyObject_GetBuffer(object, view, flags) != 0) {
        return 0;
    }
    if (view->format == NULL || view->format[0] != 'f' || view->format[1] != '\0') {
        PyErr_SetString(PyExc_TypeError, "not a buffer of floats");
        PyBuffer_Release(view);
        return 0;
    }
    return 1;
}

static inline int is_long_enough(const Py_buffer *view, int64_t count) {
    if (count < 0 || count > view->len / (Py_ssize_t)sizeof(float)) {
        PyErr_SetString(PyExc_ValueError, "the buffer is too short");
        return 0;
    }
    return 1;
}

static inline PyObject *done_or_raise(int32_t status) {
    if (status < 0) {
        return PyErr_Format(PyExc_RuntimeError, "it returned %d", (int)status);
    }
    Py_RETURN_NONE;
}

#endif /* PLAIN_NUMBERS_H */
