/* cli/verb_doctor.c: `heaplens doctor [FILE...]`: is all well, and if not, what mends it.
 *
 * Room   cli; parses, hands over to doctor_file.c or doctor_here.c. */
#include "cli/args.h"
#include "cli/doctor.h"

int hl_verb_doctor(hl_context *c, int argc, char **argv)
{
    hl_args a = {.context = c, .verb = "doctor", .argc = argc, .argv = argv, .at = 1};
    uint32_t n = 0;
    for (int option; (option = hl_args_next(&a)) != HL_ARG_END;) {
        if (option != HL_ARG_WORD)
            return option == HL_ARG_HELP ? HL_EXIT_OK : HL_EXIT_USAGE;
        hl_args_gather(&a, &n);
    }
    return n ? hl_doctor_files(c, argv, n) : hl_doctor_here(c);
}
