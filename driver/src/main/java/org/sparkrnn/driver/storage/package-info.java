/** The file operations of {@code common} on any Hadoop file system. */
@NullMarked
package org.sparkrnn.driver.storage;

import org.jspecify.annotations.NullMarked;
