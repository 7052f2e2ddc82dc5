# Turns focys.conf into a template of the nginx image: the backend is a neighbour, the certificate a secret.
s/your-domain\.com/${DOMAIN}/g
s/server 127\.0\.0\.1:8000;/server app:8000;/
s#/etc/letsencrypt/live/.*/fullchain\.pem#/run/secrets/tls_certificate#
s#/etc/letsencrypt/live/.*/privkey\.pem#/run/secrets/tls_key#
# This nginx is newer than what Debian 12 has, and warns of the older spelling.
s/^\( *\)\(listen \[::\]:443 ssl\) http2;/\1\2;\n\1http2 on;/
s/ ssl http2/ ssl/
