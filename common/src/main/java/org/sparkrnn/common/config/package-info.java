/** Settings: one table of keys, records that validate themselves, and the HOCON loader. */
@NullMarked
package org.sparkrnn.common.config;

import org.jspecify.annotations.NullMarked;
