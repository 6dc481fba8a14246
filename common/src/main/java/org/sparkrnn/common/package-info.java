/** What every module shares and what stands in files: settings, formats, parameter layout. */
@NullMarked
package org.sparkrnn.common;

import org.jspecify.annotations.NullMarked;
