/* A reader of JSON that trusts nothing: it never looks past the end, keeps nothing, and asks for no memory.
 *
 * It is pulled, token by token, by code that knows what may come; anything else is the reason in `why`. The first
 * reason stays, and after it every function says no, so that a caller may look once at the end.
 *
 * Source: RFC 8259. */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct json {
    const char *at;
    const char *end;
    const char *why; /* NULL: all is well so far */
} json;

static inline bool json_fail(json *it, const char *why) {
    if (it->why == NULL) {
        it->why = why;
    }
    return false;
}

/* The next character after white space, 0 at the end. */
static inline char json_peek(json *it) {
    while (it->at < it->end && (*it->at == ' ' || *it->at == '\t' || *it->at == '\n' || *it->at == '\r')) {
        it->at++;
    }
    return it->why == NULL && it->at < it->end ? *it->at : '\0';
}

/* Take this character if it is next. */
static inline bool json_take(json *it, char wanted) {
    if (json_peek(it) != wanted) {
        return false;
    }
    it->at++;
    return true;
}

static inline bool json_want(json *it, char wanted, const char *why) {
    return json_take(it, wanted) || json_fail(it, why);
}

/* A text without escapes of less than `size` bytes: a word that is compared, never repeated. */
static inline bool json_word(json *it, char *word, size_t size) {
    if (!json_want(it, '"', "a text is missing")) {
        return false;
    }
    size_t length = 0;
    while (it->at < it->end && *it->at != '"') {
        if ((unsigned char)*it->at < 0x20 || *it->at == '\\' || length + 1 >= size) {
            return json_fail(it, "a word is too long, or holds an escape");
        }
        word[length++] = *it->at++;
    }
    word[length] = '\0';
    return json_want(it, '"', "a text does not end");
}

static inline const char *json_digits(const char *at, const char *end) {
    while (at < end && *at >= '0' && *at <= '9') {
        at++;
    }
    return at;
}

/* A number between -1e100 and 1e100: what can be added up without leaving a double. The thread's locale must have a
 * point for a point. */
static inline bool json_number(json *it, double *number) {
    char text[64];
    (void)json_peek(it);
    const char *at = it->at;
    at += at < it->end && *at == '-';
    const char *whole = at;
    at = json_digits(at, it->end);
    bool is_well = at > whole && (*whole != '0' || at == whole + 1);
    if (at < it->end && *at == '.') {
        const char *part = ++at;
        at = json_digits(at, it->end);
        is_well = is_well && at > part;
    }
    if (at < it->end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < it->end && (*at == '+' || *at == '-');
        const char *power = at;
        at = json_digits(at, it->end);
        is_well = is_well && at > power;
    }
    const size_t length = (size_t)(at - it->at);
    if (it->why != NULL || !is_well || length >= sizeof text) {
        return json_fail(it, "a number is missing, or has too many digits");
    }
    memcpy(text, it->at, length);
    text[length] = '\0';
    it->at = at;
    *number = strtod(text, NULL);
    return (*number >= -1e100 && *number <= 1e100) || json_fail(it, "a number is beyond 1e100");
}

#endif /* JSON_H */
