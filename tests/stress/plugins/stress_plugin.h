/* What every plugin of the stress scene answers: two stamps that must agree, one of its code, one of its state.
 *
 * The code's stamp is a number in an instruction of the image, 0 … 63; the scene writes another one into the bytes of
 * each image it makes. The state's stamp is a serial number from the config of one load, never used twice, and the
 * scene loads serial n with the image whose code says n modulo 64. An answer made of code and state of two generations
 * therefore gives itself away, and so does one that destroy has passed over.
 */
#ifndef STRESS_PLUGIN_H
#define STRESS_PLUGIN_H

#include <hotgraft/hotgraft.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define STRESS_CODES 64u
#define STRESS_CODE  UINT64_C(0x5afe57a3c0de57a3) /* what is replaced in the image's bytes */
#define STRESS_DEAD  UINT64_C(0xdeaddeaddead)

__attribute__((noinline)) static uint64_t stress_code(void) {
    return STRESS_CODE;
}

static inline uint64_t stress_answer(uint64_t serial) {
    return serial << 8 | stress_code();
}

/* Does `answer` come from code and state of one generation? */
static inline int stress_is_whole(uint64_t answer) {
    return answer >> 8 != 0 && (answer >> 8) % STRESS_CODES == (answer & 0xff);
}

/* N of {"serial": N}; 0: it is not there. */
static inline uint64_t stress_serial(const hotgraft_str *config) {
    static const char key[] = "\"serial\":";
    char text[128];
    const char *found = NULL;
    if (config->len >= sizeof text) {
        return 0;
    }
    memcpy(text, config->ptr, config->len);
    text[config->len] = '\0';
    found = strstr(text, key);
    return found == NULL ? 0 : strtoull(found + sizeof key - 1, NULL, 10);
}

#endif /* STRESS_PLUGIN_H */
