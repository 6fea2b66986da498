/* cli/main.c: to be written. */
#include "cli/verb.h"
int main(void)
{
    return 0;
}
