# Turns focys.conf into a template of the nginx image: the backend is a neighbour, the certificate a secret.
s/your-domain\.com/${DOMAIN}/g
s/server 127\.0\.0\.1:8000;/server app:8000;/
s#/etc/letsencrypt/live/.*/fullchain\.pem#/run/secrets/tls_certificate#
s#/etc/letsencrypt/live/.*/privkey\.pem#/run/secrets/tls_key#
