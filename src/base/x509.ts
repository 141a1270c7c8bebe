// The x509 library's injection container wants this first.
import 'reflect-metadata'

export * from '@peculiar/x509'
